//! The harmless calls with which a person tries a profile's APIs, with whole addresses.

use url::Url;

use crate::api::Call;
use crate::config::Profile;
use crate::error::Error;
use crate::http::Method;
use crate::providers::catalog::{self, Product, TestCall};
use crate::providers::{DataCenter, Dialect};

use super::{Service, issuing_data_center};

/// What can be tried in one data center.
#[derive(Clone, Debug, PartialEq)]
pub struct TestCalls {
    pub data_center: DataCenter,
    pub dialect: &'static Dialect,
    pub calls: Vec<TestCallEntry>,
    /// The provider's other data centers.
    pub others: Vec<DataCenter>,
}

/// One call that reads little and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCallEntry {
    pub product: &'static str,
    pub name: &'static str,
    /// The smallest scope that allows it, where one is known.
    pub scope: Option<&'static str>,
    pub is_granted: bool,
    pub call: Call,
}

impl Service {
    /// The test calls of the data center that issued the profile's grant.
    pub async fn test_calls(&self, profile: &Profile) -> Result<TestCalls, Error> {
        let grant = self.grant(profile).await?;
        let provider = self.provider_of(profile, &grant).await?;
        let data_center =
            issuing_data_center(profile, &provider, &grant)?.clone().in_environment(grant.api_domain.as_deref());
        let others = provider.data_centers.iter().filter(|other| other.code != data_center.code).cloned().collect();
        let known = TestCalls::new(data_center, provider.dialect, &grant.scopes);
        Ok(TestCalls { others, ..known })
    }
}

impl TestCalls {
    /// Lists the calls of every product that the provider has in `data_center`; of one without products, the question
    /// who has signed in.
    pub fn new(data_center: DataCenter, dialect: &'static Dialect, granted: &[String]) -> Self {
        let of_product = |product: &'static Product| {
            product.calls.iter().filter_map(|call| entry(product, call, &data_center, granted)).collect::<Vec<_>>()
        };
        let mut calls: Vec<TestCallEntry> = dialect.products().iter().flat_map(of_product).collect();
        if calls.is_empty() {
            calls.extend(data_center.endpoints.userinfo.clone().map(|url| TestCallEntry {
                product: "Accounts",
                name: "Who am I",
                scope: None,
                is_granted: true,
                call: Call { method: Method::Get, url, headers: Vec::new(), body: Vec::new() },
            }));
        }
        Self { data_center, dialect, calls, others: Vec::new() }
    }

    /// The same address in the account's data center, if `url` is one of another.
    pub fn moved_here(&self, url: &Url) -> Option<Url> {
        let moved = self.others.iter().find_map(|other| moved(url, other, &self.data_center))?;
        (moved.origin() != url.origin()).then_some(moved)
    }
}

fn moved(url: &Url, from: &DataCenter, to: &DataCenter) -> Option<Url> {
    let servers =
        [(Some(&from.accounts_server), Some(&to.accounts_server)), (from.api_domain.as_ref(), to.api_domain.as_ref())];
    for (from, to) in servers {
        if let (Some(from), Some(to)) = (from, to)
            && from.origin() == url.origin()
        {
            let mut moved = to.clone();
            moved.set_path(url.path());
            moved.set_query(url.query());
            return Some(moved);
        }
    }
    let product = url.host_str()?.strip_suffix(from.product_domain.as_deref()?)?.strip_suffix('.')?;
    let mut moved = url.clone();
    moved.set_host(Some(&format!("{product}.{}", to.product_domain.as_deref()?))).ok()?;
    Some(moved)
}

fn entry(
    product: &'static Product,
    test: &'static TestCall,
    data_center: &DataCenter,
    granted: &[String],
) -> Option<TestCallEntry> {
    let mut call =
        Call { method: test.method, url: test.url(product, data_center)?, headers: Vec::new(), body: Vec::new() };
    if let Some(form) = test.form {
        call.body = form.into();
        call.headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    }
    Some(TestCallEntry {
        product: product.name,
        name: test.name,
        scope: Some(test.scope),
        is_granted: catalog::covers(granted, test.scope),
        call,
    })
}

#[cfg(test)]
mod tests {
    use super::TestCalls;
    use crate::providers::{standard, zoho};

    #[test]
    fn calls_have_the_data_centers_addresses_and_tell_which_scope_is_lacking() {
        let provider = zoho::provider();
        let eu = provider.data_center("eu").expect("eu").clone();
        let calls = TestCalls::new(eu, provider.dialect, &["ZohoCRM.org.READ".to_owned()]).calls;
        let granted: Vec<(&str, &str, &str)> = calls
            .iter()
            .filter(|entry| entry.is_granted)
            .map(|entry| (entry.product, entry.name, entry.call.url.as_str()))
            .collect();
        assert_eq!(granted, [("CRM", "Organization", "https://www.zohoapis.eu/crm/v8/org")]);
        let desk = calls.iter().find(|entry| entry.product == "Desk").expect("Desk has a call");
        assert_eq!(desk.call.url.as_str(), "https://desk.zoho.eu/api/v1/organizations");
        assert!(calls.len() > 20);
    }

    #[test]
    fn addresses_of_other_data_centers_have_their_like_here() {
        let provider = zoho::provider();
        let at = |code| provider.data_center(code).expect("a data center").clone();
        let eu = TestCalls { others: provider.data_centers.clone(), ..TestCalls::new(at("eu"), provider.dialect, &[]) };
        for (elsewhere, here) in [
            ("https://www.zohoapis.com/crm/v8/org?a=1", Some("https://www.zohoapis.eu/crm/v8/org?a=1")),
            ("https://desk.zoho.com.au/api/v1/tickets", Some("https://desk.zoho.eu/api/v1/tickets")),
            ("https://accounts.zoho.in/oauth/user/info", Some("https://accounts.zoho.eu/oauth/user/info")),
            ("https://www.zohoapis.eu/crm/v8/org", None),
            ("https://evilzoho.com/crm", None),
            ("https://example.com/", None),
        ] {
            let moved = eu.moved_here(&elsewhere.parse().expect("an address"));
            assert_eq!(moved.map(String::from).as_deref(), here, "{elsewhere}");
        }
    }

    #[test]
    fn forms_travel_in_the_body_with_their_content_type() {
        let provider = zoho::provider();
        let calls = TestCalls::new(provider.default_data_center().clone(), provider.dialect, &[]).calls;
        let sheet = calls.iter().find(|entry| entry.product == "Sheet").expect("Sheet has a call");
        assert_eq!(sheet.call.body, b"method=workbook.list");
        assert_eq!(sheet.call.headers, [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())]);
    }

    #[test]
    fn a_provider_without_products_can_be_asked_who_has_signed_in() {
        let zoho = zoho::provider();
        let data_center = zoho.default_data_center().clone();
        let calls = TestCalls::new(data_center, &standard::DIALECT, &[]).calls;
        let names: Vec<(&str, bool)> = calls.iter().map(|entry| (entry.name, entry.is_granted)).collect();
        assert_eq!(names, [("Who am I", true)]);
    }
}
