//! The products whose APIs the API panel and `api` know: hosts, harmless test calls, what their scopes mean.
//!
//! Taken from the API references of each product below <https://www.zoho.com>. A call is here only if it reads.

use url::Url;

use super::DataCenter;
use crate::http::Method;

/// A Zoho product with an API.
#[derive(Debug, PartialEq)]
pub struct Product {
    /// What `--product` takes.
    pub key: &'static str,
    pub name: &'static str,
    /// The word before the first dot of the product's scopes.
    pub scope_service: &'static str,
    pub base: Base,
    pub calls: &'static [TestCall],
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

const fn get(name: &'static str, path: &'static str, scope: &'static str) -> TestCall {
    TestCall { name, method: Method::Get, path, scope, form: &[] }
}

const fn product(
    key: &'static str,
    name: &'static str,
    scope_service: &'static str,
    base: Base,
    calls: &'static [TestCall],
) -> Product {
    Product { key, name, scope_service, base, calls }
}

const fn host(host: &'static str, path: &'static str) -> Base {
    Base::Host { host, path }
}

/// Every known product, the one that needs the least first.
pub static PRODUCTS: &[Product] = &[
    product(
        "accounts",
        "Accounts",
        "AaaServer",
        Base::Accounts,
        &[get("Who am I", "/oauth/user/info", "AaaServer.profile.READ")],
    ),
    product(
        "crm",
        "CRM",
        "ZohoCRM",
        Base::Gateway("/crm/v8"),
        &[
            get("Current user", "/users?type=CurrentUser", "ZohoCRM.users.READ"),
            get("Organization", "/org", "ZohoCRM.org.READ"),
            get("Modules", "/settings/modules", "ZohoCRM.settings.READ"),
            get("Leads", "/Leads?fields=Last_Name,Company&per_page=5", "ZohoCRM.modules.READ"),
        ],
    ),
    product(
        "bigin",
        "Bigin",
        "ZohoBigin",
        Base::Gateway("/bigin/v2"),
        &[get("Modules", "/settings/modules", "ZohoBigin.settings.ALL")],
    ),
    product(
        "books",
        "Books",
        "ZohoBooks",
        Base::Gateway("/books/v3"),
        &[get("Organizations", "/organizations", "ZohoBooks.settings.READ")],
    ),
    product(
        "invoice",
        "Invoice",
        "ZohoInvoice",
        Base::Gateway("/invoice/v3"),
        &[get("Organizations", "/organizations", "ZohoInvoice.settings.READ")],
    ),
    product(
        "inventory",
        "Inventory",
        "ZohoInventory",
        Base::Gateway("/inventory/v1"),
        &[get("Organizations", "/organizations", "ZohoInventory.settings.READ")],
    ),
    product(
        "billing",
        "Billing",
        "ZohoSubscriptions",
        Base::Gateway("/billing/v1"),
        &[get("Organizations", "/organizations", "ZohoSubscriptions.settings.READ")],
    ),
    product(
        "expense",
        "Expense",
        "ZohoExpense",
        Base::Gateway("/expense/v1"),
        &[get("Organizations", "/organizations", "ZohoExpense.fullaccess.ALL")],
    ),
    product(
        "creator",
        "Creator",
        "ZohoCreator",
        Base::Gateway("/creator/v2.1"),
        &[get("Applications", "/meta/applications", "ZohoCreator.meta.application.READ")],
    ),
    product(
        "bookings",
        "Bookings",
        "zohobookings",
        Base::Gateway("/bookings/v1/json"),
        &[
            // Zoho asks for CREATE even to read.
            get("Workspaces", "/workspaces", "zohobookings.data.CREATE"),
        ],
    ),
    product(
        "desk",
        "Desk",
        "Desk",
        host("desk", "/api/v1"),
        &[get("Organizations", "/organizations", "Desk.basic.READ")],
    ),
    product(
        "projects",
        "Projects",
        "ZohoProjects",
        host("projectsapi", "/api/v3"),
        &[get("Portals", "/portals", "ZohoProjects.portals.READ")],
    ),
    product(
        "mail",
        "Mail",
        "ZohoMail",
        host("mail", "/api"),
        &[get("Accounts", "/accounts", "ZohoMail.accounts.READ")],
    ),
    product(
        "people",
        "People",
        "ZOHOPEOPLE",
        host("people", "/people/api"),
        &[get("Forms", "/forms", "ZOHOPEOPLE.forms.READ")],
    ),
    product(
        "cliq",
        "Cliq",
        "ZohoCliq",
        host("cliq", "/api/v2"),
        &[get("Channels", "/channels?limit=1", "ZohoCliq.Channels.READ")],
    ),
    product(
        "recruit",
        "Recruit",
        "ZohoRecruit",
        host("recruit", "/recruit/v2"),
        &[get("Modules", "/settings/modules", "ZohoRecruit.settings.ALL")],
    ),
    product(
        "sign",
        "Sign",
        "ZohoSign",
        host("sign", "/api/v1"),
        &[get("Requests", "/requests", "ZohoSign.documents.READ")],
    ),
    product(
        "sheet",
        "Sheet",
        "ZohoSheet",
        host("sheet", "/api/v2"),
        &[TestCall {
            name: "Workbooks",
            method: Method::Post,
            path: "/workbooks",
            scope: "ZohoSheet.dataAPI.READ",
            form: &[("method", "workbook.list")],
        }],
    ),
    product(
        "workdrive",
        "WorkDrive",
        "WorkDrive",
        host("workdrive", "/api/v1"),
        &[get("Who am I", "/users/me", "WorkDrive.team.ALL")],
    ),
    product(
        "analytics",
        "Analytics",
        "ZohoAnalytics",
        host("analyticsapi", "/restapi/v2"),
        &[get("Owned workspaces", "/workspaces/owned", "ZohoAnalytics.metadata.read")],
    ),
    product(
        "sprints",
        "Sprints",
        "ZohoSprints",
        host("sprintsapi", "/zsapi"),
        &[get("Teams", "/teams/", "ZohoSprints.teams.READ")],
    ),
];

impl Product {
    /// The product with this `key`.
    pub fn named(key: &str) -> Option<&'static Product> {
        PRODUCTS.iter().find(|product| product.key.eq_ignore_ascii_case(key))
    }

    /// Where the product answers in `data_center`, without a slash at the end; `None` where that is not known.
    pub fn base(&self, data_center: &DataCenter) -> Option<Url> {
        let (mut url, path) = match self.base {
            Base::Accounts => (data_center.accounts_server.clone(), ""),
            Base::Gateway(path) => (data_center.api_domain.clone()?, path),
            Base::Host { host, path } => match &data_center.product_domain {
                Some(domain) => (Url::parse(&format!("https://{host}.{domain}")).ok()?, path),
                None => (data_center.api_domain.clone()?, path),
            },
        };
        url.set_path(path);
        Some(url)
    }
}

impl TestCall {
    /// The call's whole address in `data_center`.
    pub fn url(&self, product: &Product, data_center: &DataCenter) -> Option<Url> {
        let base = product.base(data_center)?;
        Url::parse(&format!("{}{}", base.as_str().trim_end_matches('/'), self.path)).ok()
    }
}

/// Tells whether one of `granted` covers `wanted`.
///
/// Scopes compare without case, and `ALL` covers every operation, since Zoho's answers expand and re-case what was
/// asked for.
pub fn covers(granted: &[String], wanted: &str) -> bool {
    let wanted = wanted.to_ascii_lowercase();
    granted.iter().any(|scope| {
        let scope = scope.to_ascii_lowercase();
        // `ZohoBooks.fullaccess.all` covers the whole service, `ZohoCRM.modules.ALL` the areas below it too.
        let area = scope.strip_suffix(".all").map(|area| area.strip_suffix(".fullaccess").unwrap_or(area));
        scope == wanted || area.is_some_and(|area| is_below(&wanted, area))
    })
}

fn is_below(scope: &str, area: &str) -> bool {
    scope.strip_prefix(area).is_some_and(|rest| rest.starts_with('.'))
}

/// A scope in words, for people who are about to grant it: "CRM: read users".
///
/// Scopes of unknown services come back as they are.
pub fn scope_in_words(scope: &str) -> String {
    match scope {
        "openid" => return "sign in with your account".to_owned(),
        "email" => return "see your email address".to_owned(),
        "profile" => return "see your name and picture".to_owned(),
        "offline_access" => return "stay signed in".to_owned(),
        _ => {}
    }
    let mut parts = scope.split('.');
    let (Some(service), Some(operation)) = (parts.next(), parts.next_back()) else { return scope.to_owned() };
    let Some(product) = PRODUCTS.iter().find(|product| product.scope_service.eq_ignore_ascii_case(service)) else {
        return scope.to_owned();
    };
    let area: Vec<String> = parts.map(|part| part.replace('_', " ").to_ascii_lowercase()).collect();
    let verb = match operation.to_ascii_uppercase().as_str() {
        "READ" => "read",
        "CREATE" => "create",
        "UPDATE" | "WRITE" => "change",
        "DELETE" => "delete",
        "ALL" => "read, change and delete",
        _ => return scope.to_owned(),
    };
    match area.join(" ").as_str() {
        "fullaccess" => format!("{}: {verb} everything", product.name),
        "profile" => format!("{}: {verb} your profile", product.name),
        area => format!("{}: {verb} {area}", product.name),
    }
}

/// Tells whether a scope allows more than reading, which people should see before they approve.
pub fn can_write(scope: &str) -> bool {
    let operation = scope.rsplit_once('.').map_or("READ", |(_, operation)| operation);
    !operation.eq_ignore_ascii_case("READ")
}

#[cfg(test)]
mod tests {
    use super::{covers, scope_in_words};

    #[test]
    fn all_covers_operations_and_areas_below_it_only() {
        let granted =
            ["ZohoCRM.modules.ALL".to_owned(), "ZohoBooks.fullaccess.all".to_owned(), "Desk.basic.READ".to_owned()];
        for scope in
            ["ZohoCRM.modules.READ", "zohocrm.modules.leads.read", "ZohoBooks.settings.READ", "desk.basic.read"]
        {
            assert!(covers(&granted, scope), "{scope}");
        }
        for scope in ["ZohoCRM.users.READ", "ZohoCRM.modulesX.READ", "Desk.tickets.READ", "openid"] {
            assert!(!covers(&granted, scope), "{scope}");
        }
    }

    #[test]
    fn scopes_read_as_words() {
        assert_eq!(scope_in_words("ZohoCRM.users.READ"), "CRM: read users");
        assert_eq!(scope_in_words("AaaServer.profile.READ"), "Accounts: read your profile");
        assert_eq!(scope_in_words("ZohoBooks.fullaccess.all"), "Books: read, change and delete everything");
        assert_eq!(scope_in_words("Made.up.scope"), "Made.up.scope");
    }
}
