//! CRM, version 8: the current user, the organization, modules, and a few lists of records.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::StatusCode;
use hyper::body::Frame;
use hyper::header::HeaderValue;
use serde_json::{Value, json};

use crate::demo::accounts::{DataCenter, Person};
use crate::demo::exchange::{Request, Response, Route, empty, json, streamed};
use crate::demo::parameters::Parameters;
use crate::demo::server::{Denial, Site};

/// API credits at the start.
pub(in crate::demo) const CREDITS: u32 = 5_000;
/// Keeps the largest list below 12 MB. Zoho itself stops at 200 for each page; here a large answer is wanted, to try viewers
/// with.
const CONTACTS: usize = 30_000;
const PER_PAGE: usize = 200;
/// Records that can be asked for by the number of a page. Beyond, tokens lead on.
const FURTHEST_BY_NUMBER: usize = 2_000;
/// How many contacts are written at a time, so that a large list takes little memory.
const CONTACTS_PER_CHUNK: usize = 200;

pub(super) fn route(path: &str) -> Option<Route> {
    Some(match path {
        "/crm/v8/users" => Route::Get(users),
        "/crm/v8/org" => Route::Get(organization),
        "/crm/v8/settings/modules" => Route::Get(modules),
        "/crm/v8/Leads" => Route::Get(leads),
        "/crm/v8/Contacts" => Route::Get(contacts),
        "/crm/v8/Deals" => Route::Get(deals),
        _ => return None,
    })
}

/// An error in the words of CRM.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    json(status, &json!({ "code": code, "details": {}, "message": message, "status": "error" }))
}

/// Answers for the person behind the token and takes one credit off, or refuses.
fn answer(site: &Site, request: &Request, scopes: &[&str], body: impl FnOnce(Person) -> Response) -> Response {
    let person = match site.authorize(&request.headers, scopes) {
        Ok(person) => person,
        Err(denial) => return refuse(denial),
    };
    let spend = |credits: u32| Some(credits.saturating_sub(1));
    let before = site.shared.credits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).unwrap_or_default();
    let mut response = body(person);
    response.headers_mut().insert("x-api-credits-remaining", HeaderValue::from(before.saturating_sub(1)));
    response
}

fn refuse(denial: Denial) -> Response {
    let (code, message) = match denial {
        Denial::NoToken => ("AUTHENTICATION_FAILURE", "Authentication failed"),
        Denial::InvalidToken => ("INVALID_TOKEN", "invalid oauth token"),
        Denial::MissingScope => ("OAUTH_SCOPE_MISMATCH", "Unauthorized"),
    };
    error(StatusCode::UNAUTHORIZED, code, message)
}

fn users(site: &Site, request: &Request) -> Response {
    answer(site, request, &["ZohoCRM.users.READ"], |person| {
        if !matches!(request.parameters.value("type"), "" | "CurrentUser") {
            return empty(StatusCode::NO_CONTENT);
        }
        let (country, time_zone) = match person.home() {
            DataCenter::Us => ("us", "America/Los_Angeles"),
            DataCenter::Eu => ("de", "Europe/Berlin"),
        };
        json(
            StatusCode::OK,
            &json!({ "users": [{
            "id": id(person, 1),
            "first_name": person.first_name(),
            "last_name": person.last_name(),
            "full_name": person.full_name(),
            "email": person.email(),
            "zuid": person.zuid().to_string(),
            "country_locale": country,
            "time_zone": time_zone,
            "status": "active",
            "confirm": true,
            "role": { "name": "CEO", "id": id(person, 2) },
            "profile": { "name": "Administrator", "id": id(person, 3) },
        }] }),
        )
    })
}

fn organization(site: &Site, request: &Request) -> Response {
    answer(site, request, &["ZohoCRM.org.READ"], |person| {
        let (name, number) = person.organization();
        let currency = match person.home() {
            DataCenter::Us => "USD",
            DataCenter::Eu => "EUR",
        };
        json(
            StatusCode::OK,
            &json!({ "org": [{
            "id": id(person, 4),
            "company_name": name,
            "zgid": number.to_string(),
            "primary_email": person.email(),
            "currency": currency,
            "license_details": { "paid": false, "paid_type": "free", "users_license_purchased": 3 },
        }] }),
        )
    })
}

fn modules(site: &Site, request: &Request) -> Response {
    answer(site, request, &["ZohoCRM.settings.READ", "ZohoCRM.settings.modules.READ"], |person| {
        let modules: Vec<Value> = (10..)
            .zip(["Leads", "Contacts", "Deals"])
            .map(|(number, name)| {
                json!({
                    "api_name": name,
                    "module_name": name,
                    "singular_label": name.trim_end_matches('s'),
                    "plural_label": name,
                    "id": id(person, number),
                    "api_supported": true,
                    "creatable": false,
                    "editable": false,
                    "deletable": false,
                })
            })
            .collect();
        json(StatusCode::OK, &json!({ "modules": modules }))
    })
}

/// Which records a page has, and what is told of it.
struct Page {
    records: Range<usize>,
    info: Value,
}

impl Page {
    /// The page of a list of `all` records that is asked for, with up to `most` of them; or the answer to what is none.
    #[expect(clippy::result_large_err, reason = "the other case is the answer as it is sent")]
    fn of(parameters: &Parameters, all: usize, most: usize) -> Result<Page, Response> {
        let count = parameters.number("per_page", PER_PAGE).ok_or_else(|| invalid("per_page"))?.clamp(1, most);
        let token = parameters.value("page_token");
        let start = if token.is_empty() {
            let page = parameters.number("page", 1).filter(|page| *page > 0).ok_or_else(|| invalid("page"))?;
            (page - 1).saturating_mul(count)
        } else {
            usize::from_str_radix(token, 16).map_err(|_| invalid("page_token"))?
        };
        if token.is_empty() && start >= FURTHEST_BY_NUMBER {
            let message = "use page_token to get more than 2000 records";
            return Err(error(StatusCode::BAD_REQUEST, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", message));
        }
        let end = start.saturating_add(count).min(all);
        if start >= end {
            return Err(empty(StatusCode::NO_CONTENT));
        }
        let info = json!({
            "per_page": count,
            "count": end - start,
            "page": start / count + 1,
            "sort_by": "id",
            "sort_order": "asc",
            "more_records": end < all,
            "next_page_token": (end < all).then(|| format!("{end:064x}")),
        });
        Ok(Page { records: start..end, info })
    }
}

fn invalid(parameter: &str) -> Response {
    error(StatusCode::BAD_REQUEST, "INVALID_DATA", &format!("invalid data: {parameter} is no number"))
}

const LEADS: [(&str, &str, &str); 6] = [
    ("Amara", "Okafor", "Lumen Print"),
    ("Bento", "Silva", "Casa Verde"),
    ("Chiara", "Conti", "Studio Conti"),
    ("Darius", "Wolff", "Wolff & Töchter"),
    ("Eilidh", "MacRae", "Skye Ferries"),
    ("Farid", "Haddad", "Haddad Ceramics"),
];

fn leads(site: &Site, request: &Request) -> Response {
    answer(site, request, &["ZohoCRM.modules.READ", "ZohoCRM.modules.leads.READ"], |person| {
        let Page { records, info } = match Page::of(&request.parameters, LEADS.len(), PER_PAGE) {
            Ok(page) => page,
            Err(refusal) => return refusal,
        };
        let leads: Vec<Value> = (100 + records.start as u64..)
            .zip(&LEADS[records])
            .map(|(number, (first, last, company))| {
                json!({ "id": id(person, number), "First_Name": first, "Last_Name": last, "Company": company })
            })
            .collect();
        json(StatusCode::OK, &json!({ "data": leads, "info": info }))
    })
}

/// There are no deals: CRM answers an empty list with 204 and no body.
fn deals(site: &Site, request: &Request) -> Response {
    answer(site, request, &["ZohoCRM.modules.READ", "ZohoCRM.modules.deals.READ"], |_| empty(StatusCode::NO_CONTENT))
}

/// [`CONTACTS`] of them, as many on a page as asked for.
fn contacts(site: &Site, request: &Request) -> Response {
    answer(site, request, &["ZohoCRM.modules.READ", "ZohoCRM.modules.contacts.READ"], |person| {
        let Page { records: Range { start: first, end }, info } =
            match Page::of(&request.parameters, CONTACTS, CONTACTS) {
                Ok(page) => page,
                Err(refusal) => return refusal,
            };
        let chunks = (first..end).step_by(CONTACTS_PER_CHUNK).map(move |start| {
            let mut text = String::from(if start == first { r#"{"data":["# } else { "" });
            for number in start..end.min(start + CONTACTS_PER_CHUNK) {
                let comma = if number == first { "" } else { "," };
                // Writing to a `String` cannot fail.
                let _ = write!(text, "{comma}{}", contact(person, number));
            }
            if start + CONTACTS_PER_CHUNK >= end {
                let _ = write!(text, r#"],"info":{info}}}"#);
            }
            Ok(Frame::data(Bytes::from(text)))
        });
        streamed("application/json", StatusCode::OK, StreamBody::new(stream::iter(chunks)).boxed_unsync())
    })
}

fn contact(person: Person, number: usize) -> Value {
    let (first, _, company) = LEADS[number % LEADS.len()];
    let (_, last, _) = LEADS[number / LEADS.len() % LEADS.len()];
    json!({
        "id": id(person, 100_000 + number as u64),
        "First_Name": first,
        "Last_Name": last,
        "Full_Name": format!("{first} {last}"),
        "Email": format!("contact-{number}@example.com"),
        "Phone": format!("+1 555 {:04}", number % 10_000),
        "Account_Name": { "name": company, "id": id(person, 50_000 + (number % LEADS.len()) as u64) },
        "Email_Opt_Out": number.is_multiple_of(7),
        "Rating": number % 5 + 1,
        "Tag": [],
        "Description": Value::Null,
    })
}

/// A record's id: nineteen digits as text, too many for a JSON number in most readers.
fn id(person: Person, number: u64) -> String {
    let organization = match person.home() {
        DataCenter::Us => 5_725_767,
        DataCenter::Eu => 2_030_001,
    };
    format!("{organization}{number:012}")
}
