//! The products whose APIs the API panel and `api` know: hosts, harmless test calls, scopes and what they mean.

mod scope;

use std::cmp::Reverse;
use std::sync::LazyLock;

use url::Url;

use super::DataCenter;
use super::answers::{Answers, Organization, zoho};
use crate::http::Method;
use crate::near::nearest;
use crate::tables::{self, Entry, Words};

pub use scope::{advice, can_write, covers, likely_meant, scope_in_words};

/// Every known product: that which needs the least first, then those behind the gateway, those with hosts of their own,
/// and those whose hosts are not known.
pub static PRODUCTS: LazyLock<Vec<Product>> =
    LazyLock::new(|| tables::entries(TEXT).filter_map(|entry| Product::read(&entry)).collect());

const TEXT: &str = include_str!("catalog/products.txt");

/// A Zoho product with an API.
#[derive(Debug, PartialEq)]
pub struct Product {
    /// What `--product` takes.
    pub key: &'static str,
    pub name: &'static str,
    /// The word before the first dot of the product's scopes.
    pub scope_service: &'static str,
    pub base: Base,
    /// Hosts of the product domain at which it answers as well.
    pub hosts: Words,
    /// Data centers in which it does not answer.
    pub absent_from: Words,
    pub calls: Vec<TestCall>,
    /// Scopes that are documented or were seen to work, among them those that the calls need. There are more.
    pub scopes: Words,
    /// What is odd about its API, for people.
    pub notes: Vec<&'static str>,
    /// What it means by its answers.
    pub answers: &'static Answers,
    /// How a call names the organization that it is for, the usual way first; empty where none has to be named.
    pub organizations: Vec<Organization>,
}

/// Where a product's API lives.
#[derive(Debug, PartialEq)]
pub enum Base {
    /// On the accounts server.
    Accounts,
    /// Below the data center's `api_domain`.
    Gateway(&'static str),
    /// On a host of its own in the data center's product domain.
    Host { host: &'static str, path: &'static str },
    /// Only its scopes are known.
    Unknown,
}

/// A call that reads little and changes nothing.
#[derive(Debug, PartialEq)]
pub struct TestCall {
    pub name: &'static str,
    pub method: Method,
    /// Below the product's base; may carry a query.
    pub path: &'static str,
    /// The smallest scope that allows it.
    pub scope: &'static str,
    /// Form parameters as they are sent, for calls that are a POST.
    pub form: Option<&'static str>,
}

impl Product {
    /// `None` where something is missing or odd, which nothing in the catalogue is.
    fn read(entry: &Entry) -> Option<Self> {
        Some(Self {
            key: entry.one("key")?,
            name: entry.one("name")?,
            scope_service: entry.one("service")?,
            base: entry.one("base").map_or(Some(Base::Unknown), Base::read)?,
            hosts: entry.words("hosts"),
            absent_from: entry.words("absent from"),
            calls: entry.all("call").map(TestCall::read).collect::<Option<_>>()?,
            scopes: entry.words("scopes"),
            notes: entry.all("note").collect(),
            answers: zoho::answers(entry.one("answers"))?,
            organizations: entry.all("organization").map(Organization::read).collect::<Option<_>>()?,
        })
    }

    /// The product that goes by this name among people: its key, its name, or how its scopes begin.
    pub fn known_as(name: &str) -> Option<&'static Product> {
        PRODUCTS.iter().find(|product| product.is_called(name))
    }

    /// Tells whether people or other programs call it so: with blanks, `-` or `_`, and with or without `zoho` before it.
    pub fn is_called(&self, name: &str) -> bool {
        let bare = |name: &str| {
            let letters = name.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase();
            letters.strip_prefix("zoho").filter(|rest| !rest.is_empty()).map_or(letters.clone(), str::to_owned)
        };
        let name = bare(name);
        !name.is_empty() && self.names().into_iter().any(|known| bare(known) == name)
    }

    /// The keys of the products whose names are near to one that nobody has.
    pub fn near(name: &str) -> Vec<&'static str> {
        let named = |product: &'static Product| product.names().map(|name| (name, product.key));
        nearest(name, PRODUCTS.iter().flat_map(named))
    }

    fn names(&self) -> [&'static str; 3] {
        [self.key, self.name, self.scope_service]
    }

    /// Where the product answers in `data_center`, without a slash at the end; `None` where it does not, or where that is
    /// not known.
    pub fn base(&self, data_center: &DataCenter) -> Option<Url> {
        if self.absent_from.contains(&data_center.code) {
            return None;
        }
        let (mut url, path) = match self.base {
            Base::Accounts => (data_center.accounts_server.clone(), ""),
            Base::Gateway(path) => (data_center.api_domain.clone()?, path),
            Base::Host { host, path } => match &data_center.product_domain {
                Some(domain) => (Url::parse(&format!("https://{host}.{domain}")).ok()?, path),
                None => (data_center.api_domain.clone()?, path),
            },
            Base::Unknown => return None,
        };
        url.set_path(path);
        Some(url)
    }

    /// Everywhere that it answers in `data_center`, its base first.
    pub fn addresses(&self, data_center: &DataCenter) -> Vec<Url> {
        let hosts = data_center.product_domain.iter().flat_map(|domain| {
            self.hosts.iter().filter_map(move |host| Url::parse(&format!("https://{host}.{domain}")).ok())
        });
        self.base(data_center).into_iter().chain(hosts).collect()
    }

    /// The product whose answer comes from an address in `data_center`; `None` where several may have it.
    pub fn answering(url: &Url, data_center: &DataCenter, products: &'static [Product]) -> Option<&'static Product> {
        let is_accounts = data_center.accounts_origins().any(|origin| origin == url.origin());
        if is_accounts && url.path().starts_with("/oauth/") {
            return products.iter().find(|product| product.base == Base::Accounts);
        }
        let label = || url.host_str()?.strip_suffix(data_center.product_domain.as_deref()?)?.strip_suffix('.');
        if let Some(label) = label() {
            return products.iter().find(|product| {
                matches!(product.base, Base::Host { host, .. } if host == label) || product.hosts.contains(label)
            });
        }
        let fits =
            |product: &&Product| product.path().is_some_and(|path| !path.is_empty() && is_below(url.path(), path));
        let length = |product: &Product| product.path().map_or(0, str::len);
        let longest = products.iter().filter(fits).map(length).max();
        let mut fitting = products.iter().filter(fits).filter(|product| Some(length(product)) == longest);
        let by_base = fitting.next().filter(|_| fitting.next().is_none());
        let mut by_word = products.iter().filter(|product| product.is_whole(url.path()));
        // Of another version of an API the first word alone is known.
        by_base.or_else(|| by_word.next().filter(|_| longest.is_none() && by_word.next().is_none()))
    }

    /// Tells whether a path is one from the host's root already, not one below the product's base.
    pub fn is_whole(&self, path: &str) -> bool {
        let word = self.path().and_then(|base| base.split('/').nth(1)).filter(|word| !word.is_empty());
        word.is_some_and(|word| is_below(path, &format!("/{word}")))
    }

    /// The smallest scope that allows a call, where it is one of those that are known.
    pub fn scope_of(&self, method: Method, url: &Url, place: &DataCenter) -> Option<&'static str> {
        let is_same = |call: &&TestCall| {
            call.method == method && call.url(self, place).is_some_and(|known| known.path() == url.path())
        };
        self.calls.iter().find(is_same).map(|call| call.scope)
    }

    /// The scope that probably allows a call, by the words of its path, where one of them is what the product has scopes for.
    pub fn likely_scope(&self, method: Method, url: &Url) -> Option<String> {
        let operation = match method {
            Method::Get | Method::Head => "READ",
            Method::Post => "CREATE",
            Method::Put | Method::Patch => "UPDATE",
            Method::Delete => "DELETE",
        };
        let words: Vec<&str> = url.path().split('/').filter(|word| !word.is_empty()).collect();
        // The last word that is one is what the call is about: `/tickets/1/comments` reads comments.
        words.iter().rev().find_map(|word| {
            let is_about = |scope: &str| {
                let area = scope.rsplit_once('.').map(|(area, _)| area);
                let last = area.and_then(|area| area.split_once('.')).and_then(|(_, area)| area.rsplit('.').next());
                last.is_some_and(|last| last.eq_ignore_ascii_case(word))
            };
            let in_path = |scope: &str| {
                scope.split('.').filter(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word))).count()
            };
            let about = self.scopes.iter().filter(|scope| is_about(scope));
            let area = about.min_by_key(|scope| Reverse(in_path(scope)))?.rsplit_once('.')?.0;
            let is_named = |scope: &&str| {
                scope.rsplit_once('.').is_some_and(|(own, of)| own == area && of.eq_ignore_ascii_case(operation))
            };
            Some(self.scopes.iter().find(is_named).map_or_else(|| format!("{area}.{operation}"), str::to_owned))
        })
    }

    fn path(&self) -> Option<&'static str> {
        match self.base {
            Base::Gateway(path) | Base::Host { path, .. } => Some(path),
            Base::Accounts | Base::Unknown => None,
        }
    }
}

fn is_below(path: &str, base: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

impl Base {
    fn read(text: &'static str) -> Option<Self> {
        if let Some(address) = text.strip_prefix("//") {
            let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
            return Some(Base::Host { host, path });
        }
        match text {
            "accounts" => Some(Base::Accounts),
            path => path.starts_with('/').then_some(Base::Gateway(path)),
        }
    }
}

impl TestCall {
    /// Reads its method, its path, its scope, its form if it is a POST, and its name.
    fn read(text: &'static str) -> Option<Self> {
        let (method, text) = text.split_once(' ')?;
        let (path, text) = text.split_once(' ')?;
        let (scope, name) = text.split_once(' ')?;
        let get = Self { name, method: Method::Get, path, scope, form: None };
        match method {
            "GET" => Some(get),
            "POST" => {
                name.split_once(' ').map(|(form, name)| Self { name, method: Method::Post, form: Some(form), ..get })
            }
            _ => None,
        }
    }

    /// The call's whole address in `data_center`.
    pub fn url(&self, product: &Product, data_center: &DataCenter) -> Option<Url> {
        let base = product.base(data_center)?;
        Url::parse(&format!("{}{}", base.as_str().trim_end_matches('/'), self.path)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{PRODUCTS, Product, advice, scope_in_words};
    use crate::http::Method;
    use crate::providers::zoho;
    use crate::tables::{self, Words};

    #[test]
    fn the_catalogue_is_read_whole() {
        let names = "key name service base hosts call scopes organization answers note";
        let names: Vec<_> = Words(names).iter().chain(["absent from"]).collect();
        for entry in tables::entries(super::TEXT) {
            assert!(entry.names().all(|name| names.contains(&name)), "{entry:?}");
            assert!(Product::read(&entry).is_some(), "{entry:?}");
        }
    }

    #[test]
    fn products_are_told_apart_and_their_scopes_are_theirs_and_readable() {
        for (index, product) in PRODUCTS.iter().enumerate() {
            assert!(PRODUCTS[..index].iter().all(|other| other.key != product.key), "{}", product.key);
            assert!(product.scopes.iter().next().is_some(), "{}", product.key);
            for call in &product.calls {
                assert!(product.scopes.contains(call.scope), "{} is not listed", call.scope);
            }
            for scope in product.scopes {
                let is_openid = ["openid", "email", "profile"].contains(&scope);
                let service = scope.split('.').next().unwrap_or_default();
                assert!(is_openid || service.eq_ignore_ascii_case(product.scope_service), "{scope}");
                assert_ne!(scope_in_words(scope), scope, "no words for {scope}");
            }
        }
    }

    #[test]
    fn a_product_without_a_host_there_has_no_address() {
        let zoho = zoho::provider();
        let base = |key, code| {
            let product = Product::known_as(key).expect("a product");
            product.base(zoho.data_center(code).expect("a data center")).map(|url| url.to_string())
        };
        assert_eq!(base("desk", "uk"), None);
        assert_eq!(base("vault", "us"), None);
        assert_eq!(base("desk", "ca").as_deref(), Some("https://desk.zohocloud.ca/api/v1"));
        assert_eq!(base("writer", "ca").as_deref(), Some("https://www.zohoapis.ca/writer/api/v1"));
    }

    #[test]
    fn scopes_of_the_guides_are_known_and_nothing_is_said_against_them() {
        for scope in [
            "ZohoCRM.modules.leads.ALL",
            "ZohoCRM.modules.leads.CREATE",
            "ZohoCRM.modules.deals.CREATE",
            "ZohoCRM.bulk.READ",
            "ZohoCRM.bulk.CREATE",
            "ZohoBooks.contacts.CREATE",
            "ZohoBooks.invoices.ALL",
            "ZohoBooks.bills.READ",
            "ZohoBooks.banking.READ",
            "Desk.tickets.READ",
            "Desk.tickets.CREATE",
            "ZohoCreator.report.READ",
            "ZohoCreator.report.CREATE",
            "ZohoCreator.report.UPDATE",
            "ZohoCreator.report.DELETE",
            "ZohoFiles.files.READ",
            "ZOHOPEOPLE.forms.ALL",
            "ZohoPeople.forms.ALL",
            "ZohoPeople.employee.ALL",
        ] {
            assert!(PRODUCTS.iter().any(|product| product.scopes.contains(scope)), "{scope} is not listed");
            assert_eq!(advice(scope), None, "{scope}");
        }
        // Of what is listed the other operations are as good.
        for scope in ["ZohoPeople.leave.READ", "ZohoCRM.modules.contacts.CREATE", "Desk.tickets.UPDATE"] {
            assert_eq!(advice(scope), None, "{scope}");
        }
    }

    #[test]
    fn an_answer_is_its_products_by_its_address() {
        let zoho = zoho::provider();
        for data_center in &zoho.data_centers {
            for product in PRODUCTS.iter() {
                for call in &product.calls {
                    let Some(url) = call.url(product, data_center) else { continue };
                    let found = Product::answering(&url, data_center, &PRODUCTS).map(|product| product.key);
                    assert_eq!(found, Some(product.key), "{url}");
                }
                for address in product.addresses(data_center) {
                    let found = Product::answering(&address, data_center, &PRODUCTS).map(|product| product.key);
                    assert!(found == Some(product.key) || product.key == "accounts", "{address}: {found:?}");
                }
            }
        }
        let eu = zoho.data_center("eu").expect("eu");
        for (address, key) in [
            ("https://www.zohoapis.eu/crm/v2.1/Leads", Some("crm")),
            ("https://sandbox.zohoapis.eu/books/v3/contacts", Some("books")),
            ("https://www.zohoapis.eu/crm/bulk/v8/read", Some("crm")),
            ("https://www.zohoapis.eu/crmx/v8/read", None),
            ("https://projects.zoho.eu/api/v3/portals", Some("projects")),
            ("https://desk.zoho.eu/supportapi/zd", Some("desk")),
            ("https://download.zoho.eu/v1/workdrive/download/1", None),
            ("https://accounts.zoho.eu/oauth/user/info", Some("accounts")),
        ] {
            let found = Product::answering(&address.parse().expect("an address"), eu, &PRODUCTS);
            assert_eq!(found.map(|product| product.key), key, "{address}");
        }
        // Where all stand behind one address, several may have a path.
        let at = |address: &str| address.parse().expect("an address");
        let lab = zoho::data_center("us", &at("http://127.0.0.1:1"), &at("http://127.0.0.1:2"));
        for (path, key) in [
            ("/crm/v8/org", Some("crm")),
            ("/people/api/forms", Some("people")),
            ("/restapi/v2/orgs", Some("analytics")),
            ("/api/v1/organizations", None),
        ] {
            let found = Product::answering(&at(&format!("http://127.0.0.1:2{path}")), &lab, &PRODUCTS);
            assert_eq!(found.map(|product| product.key), key, "{path}");
        }
    }

    #[test]
    fn the_scope_of_a_call_is_told_by_the_words_of_its_path() {
        for (product, method, path, scope) in [
            ("desk", Method::Get, "/api/v1/tickets", Some("Desk.tickets.READ")),
            ("desk", Method::Get, "/api/v1/tickets/7", Some("Desk.tickets.READ")),
            ("desk", Method::Patch, "/api/v1/tickets/7", Some("Desk.tickets.UPDATE")),
            ("crm", Method::Get, "/crm/v8/Leads/7", Some("ZohoCRM.modules.leads.READ")),
            ("crm", Method::Post, "/crm/v8/Leads", Some("ZohoCRM.modules.leads.CREATE")),
            ("crm", Method::Get, "/crm/v8/settings/fields", Some("ZohoCRM.settings.fields.READ")),
            ("crm", Method::Get, "/crm/v8/settings/modules", Some("ZohoCRM.settings.modules.READ")),
            ("crm", Method::Get, "/crm/v8/unheard-of", None),
            ("books", Method::Get, "/books/v3/contacts", Some("ZohoBooks.contacts.READ")),
            ("books", Method::Get, "/", None),
        ] {
            let product = Product::known_as(product).expect("a product");
            let url = format!("https://api.example{path}").parse().expect("an address");
            assert_eq!(product.likely_scope(method, &url).as_deref(), scope, "{method} {path}");
        }
    }

    #[test]
    fn products_are_found_by_their_names_and_near_ones_are_offered() {
        let key = |name| Product::known_as(name).map(|product| product.key);
        assert_eq!(
            [key("CRM"), key("ZohoCRM"), key("marketing automation"), key("nothing")],
            [Some("crm"), Some("crm"), Some("marketing-automation"), None]
        );
        for name in ["ZohoCRM", "zoho-crm", "zoho_crm", "Zoho CRM", "crm", "CRM"] {
            assert_eq!(key(name), Some("crm"), "{name}");
        }
        assert_eq!((key("zoho"), key(""), key("-")), (None, None, None));
        let near = Product::near;
        assert_eq!(near("dsek"), ["desk"]);
        assert_eq!(near("projekts"), ["projects"]);
        assert_eq!(near("drive"), ["workdrive"]);
        assert!(near("xyzzy").is_empty() && near(&"a".repeat(10_000)).is_empty());
    }
}
