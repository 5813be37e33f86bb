//! The products whose APIs the API panel and `api` know: hosts, harmless test calls, scopes and what they mean.

mod products;
mod scope;

use url::Url;

use super::DataCenter;
use crate::http::Method;

pub use products::PRODUCTS;
pub use scope::{advice, can_write, covers, likely_meant, scope_in_words};

/// A Zoho product with an API.
#[derive(Debug, PartialEq)]
pub struct Product {
    /// What `--product` takes.
    pub key: &'static str,
    pub name: &'static str,
    /// The word before the first dot of the product's scopes.
    pub scope_service: &'static str,
    pub base: Base,
    /// Data centers in which it does not answer.
    pub absent_from: &'static [&'static str],
    pub calls: &'static [TestCall],
    /// Scopes that are documented or were seen to work. There are more.
    pub scopes: &'static [&'static str],
    /// What is odd about its API, for people.
    pub notes: &'static [&'static str],
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
    /// Form parameters, for calls that are a POST.
    pub form: &'static [(&'static str, &'static str)],
}

impl Product {
    /// The product that goes by this name among people: its key, its name, or how its scopes begin.
    pub fn known_as(name: &str) -> Option<&'static Product> {
        PRODUCTS.iter().find(|product| product.names().iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The products whose names are near to one that nobody has, the nearest first.
    pub fn near(name: &str) -> Vec<&'static Product> {
        let wanted = name.to_ascii_lowercase();
        let distance = |product: &&'static Product| {
            product.names().iter().map(|known| distance(&wanted, &known.to_ascii_lowercase())).min()
        };
        let mut near: Vec<_> = PRODUCTS
            .iter()
            .filter_map(|product| Some((distance(&product)?, product)))
            .filter(|(far, _)| *far <= 2)
            .collect();
        near.sort_by_key(|(far, _)| *far);
        near.into_iter().map(|(_, product)| product).take(3).collect()
    }

    fn names(&self) -> [&'static str; 3] {
        [self.key, self.name, self.scope_service]
    }

    /// Where the product answers in `data_center`, without a slash at the end; `None` where it does not, or where that is
    /// not known.
    pub fn base(&self, data_center: &DataCenter) -> Option<Url> {
        if self.absent_from.contains(&data_center.code.as_str()) {
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
}

impl TestCall {
    /// Its form parameters as they are sent; `None` for a call without a body.
    pub fn body(&self) -> Option<String> {
        let mut serializer = url::form_urlencoded::Serializer::new(String::new());
        serializer.extend_pairs(self.form);
        Some(serializer.finish()).filter(|body| !body.is_empty())
    }

    /// The call's whole address in `data_center`.
    pub fn url(&self, product: &Product, data_center: &DataCenter) -> Option<Url> {
        let base = product.base(data_center)?;
        Url::parse(&format!("{}{}", base.as_str().trim_end_matches('/'), self.path)).ok()
    }
}

/// How many letters have to be added, left out or changed to make one word of the other; one if it is part of the other.
fn distance(wanted: &str, known: &str) -> usize {
    if wanted.len() >= 3 && (known.starts_with(wanted) || known.ends_with(wanted)) {
        return 1;
    }
    // Beyond the longest name, the answer is no anyway.
    if wanted.len() > 40 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (line, letter) in wanted.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in known.bytes().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[known.len()]
}

#[cfg(test)]
mod tests {
    use super::{PRODUCTS, Product, scope_in_words};
    use crate::providers::zoho;

    #[test]
    fn products_are_told_apart_and_their_scopes_are_theirs_and_readable() {
        for (index, product) in PRODUCTS.iter().enumerate() {
            assert!(PRODUCTS[..index].iter().all(|other| other.key != product.key), "{}", product.key);
            assert!(!product.scopes.is_empty(), "{}", product.key);
            let needed = product.calls.iter().map(|call| &call.scope);
            for scope in product.scopes.iter().chain(needed) {
                let is_openid = ["openid", "email", "profile"].contains(scope);
                assert!(is_openid || scope.split('.').next() == Some(product.scope_service), "{scope}");
                assert_ne!(scope_in_words(scope), **scope, "no words for {scope}");
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
    fn products_are_found_by_their_names_and_near_ones_are_offered() {
        let key = |name| Product::known_as(name).map(|product| product.key);
        assert_eq!(
            [key("CRM"), key("ZohoCRM"), key("marketing automation"), key("nothing")],
            [Some("crm"), Some("crm"), Some("marketing-automation"), None]
        );
        let near = |name| Product::near(name).iter().map(|product| product.key).collect::<Vec<_>>();
        assert_eq!(near("dsek"), ["desk"]);
        assert_eq!(near("projekts"), ["projects"]);
        assert_eq!(near("drive"), ["workdrive"]);
        assert!(near("xyzzy").is_empty() && near(&"a".repeat(10_000)).is_empty());
    }
}
