//! How APIs give a long list in pages, as data. [`crate::api::paging`] follows it.

/// How an API gives a list in pages.
#[derive(Debug, PartialEq, Eq)]
pub struct Paging {
    /// The member that says whether there is more; `None` where whatever leads on says so.
    pub more: Option<Place>,
    /// What leads to the next page: the first of these that an answer has.
    pub leads: &'static [Lead],
    /// Where it is documented or was seen.
    pub source: &'static str,
}

/// What it means that a page is the same as the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// Nothing: the pages that the API itself leads to may be alike.
    Chance,
    /// That it does not count: the list has no pages, and came whole.
    End,
    /// That it says that there is more, and does not count.
    Circle,
}

impl Paging {
    pub fn repetition(&self) -> Repetition {
        let counts = |lead: &Lead| match lead {
            Lead::Number { .. } => Some(Repetition::Circle),
            Lead::Offset { .. } => Some(Repetition::End),
            Lead::Token { .. } | Lead::Address { .. } | Lead::Link => None,
        };
        self.leads.iter().find_map(counts).unwrap_or(Repetition::Chance)
    }
}

/// A member, by the names from the top to it.
pub type Place = &'static [&'static str];

/// What leads to the next page.
#[derive(Debug, PartialEq, Eq)]
pub enum Lead {
    /// The answer names the next page, for a parameter of the query that takes the place of another one.
    Token { place: Place, parameter: &'static str, instead_of: Option<&'static str> },
    /// Pages have numbers, from 1.
    Number { parameter: &'static str },
    /// A page is asked for by its first element; `first` is the number of the first of all. The list ends with a page that
    /// has no element.
    Offset { list: Place, parameter: &'static str, first: u64 },
    /// The answer has the whole address of the next page.
    Address { place: Place },
    /// The header `Link` has it (RFC 8288).
    Link,
}

/// APIs that keep to RFC 8288, as GitHub does.
pub static LINK: Paging = Paging { more: None, leads: &[Lead::Link], source: "RFC 8288" };

/// CRM, Bigin and Recruit. By their number there are pages up to the 2000th record; tokens lead on from there, and from
/// each page before. The two together are refused.
pub static CRM: Paging = Paging {
    more: Some(&["info", "more_records"]),
    leads: &[
        Lead::Token { place: &["info", "next_page_token"], parameter: "page_token", instead_of: Some("page") },
        Lead::Number { parameter: "page" },
    ],
    source: "CRM API: Get records",
};

/// Books, Invoice, Inventory, Billing and Expense.
pub static BOOKS: Paging = Paging {
    more: Some(&["page_context", "has_more_page"]),
    leads: &[Lead::Number { parameter: "page" }],
    source: "Books API: Pagination",
};

/// The list ends with a 204. `departments` with 11 of them answers to `from=11` with nothing, so the first is 0.
pub static DESK: Paging = Paging {
    more: None,
    leads: &[Lead::Offset { list: &["data"], parameter: "from", first: 0 }],
    source: "Desk API: Tickets; the first number was seen",
};

pub static MAIL: Paging = Paging {
    more: None,
    leads: &[Lead::Offset { list: &["data"], parameter: "start", first: 1 }],
    source: "Mail API: Get emails",
};

/// Its truths come as texts, too.
pub static PROJECTS: Paging = Paging {
    more: Some(&["page_info", "has_next_page"]),
    leads: &[Lead::Number { parameter: "page" }],
    source: "seen at Projects",
};

pub static CLIQ: Paging = Paging {
    more: None,
    leads: &[Lead::Token { place: &["next_token"], parameter: "next_token", instead_of: None }],
    source: "Cliq API: Pagination",
};

pub static GOOGLE: Paging = Paging {
    more: None,
    leads: &[Lead::Token { place: &["nextPageToken"], parameter: "pageToken", instead_of: None }, Lead::Link],
    source: "Google API Improvement Proposals: 158",
};

pub static MICROSOFT: Paging = Paging {
    more: None,
    leads: &[Lead::Address { place: &["@odata.nextLink"] }, Lead::Link],
    source: "Microsoft Graph: Paging",
};
