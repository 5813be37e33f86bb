//! Scopes: what one covers, what it says in words, and how it was probably meant to be spelt.

use super::{PRODUCTS, Product};
use crate::near::distance;
use crate::tables::{Pairs, Words};

/// What Zoho's answers have in the place of `ALL`.
const OPERATIONS: [&str; 4] = ["read", "create", "update", "delete"];

/// Tells whether `granted` covers `wanted`.
///
/// Scopes compare without case, and `ALL` covers every operation and the other way round, since Zoho's answers expand and re-case what
/// was asked for.
pub fn covers(granted: &[String], wanted: &str) -> bool {
    let granted: Vec<String> = granted.iter().map(|scope| scope.to_ascii_lowercase()).collect();
    let is_in = |wanted: &str| {
        granted.iter().any(|scope| {
            // `ZohoBooks.fullaccess.all` covers the whole service, `ZohoCRM.modules.ALL` the areas below it too.
            let area = scope.strip_suffix(".all").map(|area| area.strip_suffix(".fullaccess").unwrap_or(area));
            scope == wanted || area.is_some_and(|area| is_below(wanted, area))
        })
    };
    let wanted = wanted.to_ascii_lowercase();
    let has_all = |area: &str| OPERATIONS.iter().all(|operation| is_in(&format!("{area}.{operation}")));
    is_in(&wanted) || wanted.strip_suffix(".all").is_some_and(has_all)
}

fn is_below(scope: &str, area: &str) -> bool {
    scope.strip_prefix(area).is_some_and(|rest| rest.starts_with('.'))
}

/// A scope in words, for people who are about to grant it: "read CRM users".
///
/// Scopes of unknown services come back as they are.
pub fn scope_in_words(scope: &str) -> String {
    if let Some((_, words)) = WHOLE.iter().find(|(whole, _)| whole.eq_ignore_ascii_case(scope)) {
        return words.to_owned();
    }
    let mut parts = scope.split('.');
    let (Some(service), Some(operation)) = (parts.next(), parts.next_back()) else { return scope.to_owned() };
    let Some(product) = PRODUCTS.iter().find(|product| product.scope_service.eq_ignore_ascii_case(service)) else {
        return scope.to_owned();
    };
    let verb = match operation.to_ascii_uppercase().as_str() {
        "READ" => "read",
        "CREATE" => "create",
        "UPDATE" | "WRITE" => "change",
        "DELETE" => "delete",
        "ALL" => "read, change and delete",
        _ => return scope.to_owned(),
    };
    match area_in_words(&parts.collect::<Vec<_>>().join(".").to_ascii_lowercase()).as_str() {
        EVERYTHING => format!("{verb} {EVERYTHING} in {}", product.name),
        area if area.eq_ignore_ascii_case(product.name) => format!("{verb} {area}"),
        area => format!("{verb} {} {area}", product.name),
    }
}

/// What an area holds. One that nobody wrote words for has its own.
fn area_in_words(area: &str) -> String {
    let written = || AREAS.of(area).map(str::to_owned);
    // The modules of the CRM are what its users know them as.
    let module = || area.strip_prefix("modules.").map(area_in_words);
    written().or_else(module).unwrap_or_else(|| area.replace(['.', '_'], " "))
}

const EVERYTHING: &str = "everything";

/// Scopes that are no verb and things of a product.
const WHOLE: Pairs = Pairs(
    "openid                        sign in with your account
    email                         see your email address
    profile                       see your name and picture
    offline_access                stay signed in
    AaaServer.profile.READ        read your profile
    Desk.search.READ              search in Desk
    SalesIQ.counts.READ           count what is in SalesIQ
    ZohoCRM.change_owner.CREATE   change who owns CRM records
    ZohoCRM.coql.READ             read CRM records by queries
    ZohoSearch.securesearch.READ  search in all your Zoho apps",
);

/// What areas are called whose name in a scope is no word, or not the one that people know.
const AREAS: Pairs = Pairs(include_str!("areas.txt"));

/// Tells whether a scope allows more than reading, which people should see before they approve.
pub fn can_write(scope: &str) -> bool {
    let operation = scope.rsplit_once('.').map_or("READ", |(_, operation)| operation);
    !operation.eq_ignore_ascii_case("READ")
}

/// Scopes that Zoho refused, and what works instead. `*` stands for any operation.
const REFUSED: Pairs = Pairs(
    "ZohoSprints.projectsgroups.* ZohoSprints.projectgroups.ALL
    ZOHOPEOPLE.timesheet.* ZOHOPEOPLE.timetracker.ALL
    ZohoVault.passwords.* ZohoVault.secrets.ALL
    ZohoLearn.lessondiscussion.*
    ZohoLearn.attachment.ALL ZohoLearn.attachment.READ ZohoLearn.attachment.CREATE
    ZohoLearn.commentlike.ALL ZohoLearn.commentlike.READ ZohoLearn.commentlike.CREATE
    ZohoLearn.member.ALL ZohoLearn.member.CREATE ZohoLearn.member.UPDATE ZohoLearn.member.DELETE
    ZohoLearn.activity.ALL ZohoLearn.activity.READ
    ZohoLearn.hubMember.ALL ZohoLearn.hubMember.READ
    ZohoLearn.network.ALL ZohoLearn.network.READ
    ZohoLearn.articleimage.ALL ZohoLearn.articleimage.READ
    ZohoLearn.profile.ALL ZohoLearn.profile.READ
    ZohoMarketingAutomation.journey.ALL ZohoMarketingAutomation.journey.READ ZohoMarketingAutomation.journey.CREATE
    SalesIQ.feedbacks.ALL SalesIQ.feedbacks.READ
    SalesIQ.leadscoreconfigs.ALL SalesIQ.leadscoreconfigs.READ
    SalesIQ.userpreferences.ALL SalesIQ.userpreferences.READ",
);

/// What is probably wrong with the spelling of a scope of Zoho's, as a clause; `None` where nothing is known against it.
///
/// There is no list of all scopes, so this is advice and never a reason to refuse one.
pub fn likely_meant(scope: &str) -> Option<String> {
    if let Some((_, instead)) = REFUSED.iter().find(|(refused, _)| is_refused(scope, refused)) {
        let instead: Vec<String> = Words(instead).iter().map(|scope| format!("`{scope}`")).collect();
        return Some(match instead.as_slice() {
            [] => format!("Zoho refuses `{scope}`"),
            _ => format!("Zoho refuses `{scope}`; known to work: {}", instead.join(", ")),
        });
    }
    let (service, rest) = scope.split_once('.')?;
    let product =
        PRODUCTS.iter().find(|product| product.scope_service.eq_ignore_ascii_case(service)).or_else(|| {
            let bare = if service.get(..4).is_some_and(|zoho| zoho.eq_ignore_ascii_case("zoho")) {
                &service[4..]
            } else {
                service
            };
            Product::known_as(bare).or_else(|| Product::known_as(&format!("zoho{bare}")))
        })?;
    // A service may go by two spellings.
    let is_known = product.scopes.iter().any(|known| known.split('.').next() == Some(service));
    let spelt = format!("{}.{rest}", if is_known { service } else { product.scope_service });
    // Products differ in how they write this one, and some refuse calls for it later.
    let full_access = product.scopes.iter().find(|known| known.eq_ignore_ascii_case(&spelt) && is_full_access(known));
    let spelt = full_access.map_or(spelt, str::to_owned);
    (spelt != scope).then(|| format!("`{scope}` is probably meant to be `{}`", as_catalogued(product, &spelt)))
}

/// A scope in the letter case of the catalogue, as far as that knows it.
fn as_catalogued(product: &Product, scope: &str) -> String {
    let known = || product.scopes.iter();
    if let Some(known) = known().find(|known| known.eq_ignore_ascii_case(scope)) {
        return known.to_owned();
    }
    let Some((area, operation)) = scope.rsplit_once('.') else { return scope.to_owned() };
    let area_of = |known: &'static str| known.rsplit_once('.').map_or(known, |(area, _)| area);
    let area = known().map(area_of).find(|known| known.eq_ignore_ascii_case(area)).unwrap_or(area);
    let is_known = is_operation(&operation.to_ascii_lowercase());
    let operation = if is_known { operation.to_ascii_uppercase() } else { operation.to_owned() };
    format!("{area}.{operation}")
}

/// What is probably wrong with a scope of Zoho's, or which known one is near to it, as a clause.
pub fn advice(scope: &str) -> Option<String> {
    let near = || nearest_scope(scope).map(|near| format!("`{scope}` is not known; near to it is `{near}`"));
    let odd = || format!("`{scope}` is not of the form of Zoho's scopes, such as `AaaServer.profile.READ`");
    likely_meant(scope).or_else(near).or_else(|| (!has_form_of_zoho(scope)).then(odd))
}

/// Words with dots in between, or a scope of OpenID Connect's.
fn has_form_of_zoho(scope: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_openid = ["openid", "email", "profile", "offline_access"].contains(&scope);
    is_openid || (scope.contains('.') && scope.split('.').all(is_word))
}

/// The known scope that differs from this one by at most two letters, where this one is not known itself.
///
/// Advice as well: the longest known lists are not whole.
fn nearest_scope(scope: &str) -> Option<&'static str> {
    let wanted = scope.to_ascii_lowercase();
    let (area, operation) = wanted.rsplit_once('.')?;
    let mut nearest: Option<(usize, &'static str)> = None;
    for known in PRODUCTS.iter().flat_map(|product| product.scopes) {
        let lower = known.to_ascii_lowercase();
        let Some((known_area, known_operation)) = lower.rsplit_once('.') else { continue };
        // `all` and a single operation are both known where one of them is.
        if area == known_area && is_operation(operation) {
            return None;
        }
        let between = |typed: &str, known: &str| if typed == known { 0 } else { distance(typed, known) };
        let far = between(area, known_area).saturating_add(between(operation, known_operation));
        if (1..=2).contains(&far) && nearest.is_none_or(|(nearest, _)| far < nearest) {
            nearest = Some((far, known));
        }
    }
    nearest.map(|(_, known)| known)
}

/// The last words that scopes of Zoho's have.
fn is_operation(word: &str) -> bool {
    ["read", "create", "update", "write", "delete", "all"].contains(&word)
}

fn is_refused(scope: &str, refused: &str) -> bool {
    match refused.strip_suffix(".*") {
        Some(area) => is_below(&scope.to_ascii_lowercase(), &area.to_ascii_lowercase()),
        None => scope.eq_ignore_ascii_case(refused),
    }
}

fn is_full_access(scope: &str) -> bool {
    scope.to_ascii_lowercase().contains(".fullaccess.")
}

#[cfg(test)]
mod tests {
    use super::{PRODUCTS, advice, covers, likely_meant, nearest_scope, scope_in_words};

    #[test]
    fn a_slip_of_the_keys_leads_to_the_scope_that_was_meant() {
        for (typed, meant) in [
            ("ZohoCRM.user.READ", "ZohoCRM.users.READ"),
            ("ZohoCRM.settings.RAED", "ZohoCRM.settings.READ"),
            ("AaaServer.profil.READ", "AaaServer.profile.READ"),
            ("ZohoCMR.coql.READ", "ZohoCRM.coql.READ"),
        ] {
            assert_eq!(nearest_scope(typed).map(str::to_ascii_lowercase), Some(meant.to_ascii_lowercase()), "{typed}");
        }
        for known in PRODUCTS.iter().flat_map(|product| product.scopes).filter(|scope| scope.contains('.')) {
            assert_eq!(nearest_scope(known), None, "{known}");
        }
        for unknown in ["", "openid", "Made.up.thing", "ZohoCRM.modules.accounts.READ"] {
            assert_eq!(nearest_scope(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_scope_of_another_form_is_told_of() {
        for odd in
            ["foo", "AaaServer.profile.READ;ZohoCRM.users.READ", "ZohoCRM..READ", ".READ", "Made.up.", "a/b.READ"]
        {
            assert!(advice(odd).is_some_and(|advice| advice.contains(odd)), "{odd}");
        }
        let known = PRODUCTS.iter().flat_map(|product| product.scopes);
        for fine in known.chain(["openid", "email", "profile", "offline_access", "Made.up.READ", "Some-Thing.a_b.ALL"])
        {
            assert_eq!(advice(fine), None, "{fine}");
        }
    }

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
        for (scope, words) in [
            ("ZohoCRM.users.READ", "read CRM users"),
            ("zohocrm.Modules.Leads.create", "create CRM leads"),
            ("ZohoCRM.modules.made_up.ALL", "read, change and delete CRM made up"),
            ("ZohoCRM.modules.READ", "read CRM records"),
            ("ZohoCRM.coql.READ", "read CRM records by queries"),
            ("AaaServer.profile.READ", "read your profile"),
            ("AaaServer.profile.Read", "read your profile"),
            ("ZohoBooks.fullaccess.all", "read, change and delete everything in Books"),
            ("ZohoProjects.projects.ALL", "read, change and delete projects"),
            ("Made.up.scope", "Made.up.scope"),
        ] {
            assert_eq!(scope_in_words(scope), words);
        }
    }

    #[test]
    fn no_scope_of_the_catalogue_keeps_its_syntax_in_words() {
        // Names of areas that are words already, as people use them.
        let plain = "accounts agenda agents apps articles attendance bills bots bugs callbacks channels chats contacts \
                     conversations data deals departments documents encryptions events experiments extensions files \
                     folders forms forums goals invoices items leads leave links meetings messages milestones notes \
                     notifications operations operators orders portals projects reports requests secrets settings \
                     sprints tags tasks team teams telephony templates tickets timesheets users visitors webhooks";
        let plain: Vec<&str> = plain.split_whitespace().collect();
        let known =
            |product: &'static super::Product| product.scopes.iter().chain(product.calls.iter().map(|call| call.scope));
        for scope in PRODUCTS.iter().flat_map(known) {
            let words = scope_in_words(scope);
            assert!(words.contains(' ') && !words.contains(['.', '_']) && words != scope, "{scope}: {words}");
            let area = scope.to_ascii_lowercase();
            let area = area.split_once('.').and_then(|(_, rest)| rest.rsplit_once('.')).map_or("", |(area, _)| area);
            let is_written = super::AREAS.of(area).is_some() || super::WHOLE.of(scope).is_some();
            let area = area.strip_prefix("modules.").unwrap_or(area);
            assert!(is_written || plain.contains(&area), "{scope} has no words of its own: {words}");
        }
    }

    #[test]
    fn spellings_that_are_known_to_fail_are_mended() {
        for (scope, part) in [
            ("ZohoSprints.projectsgroups.READ", "`ZohoSprints.projectgroups.ALL`"),
            ("SalesIQ.feedbacks.ALL", "`SalesIQ.feedbacks.READ`"),
            ("ZohoLearn.lessondiscussion.ALL", "Zoho refuses"),
            ("ZohoDesk.tickets.READ", "`Desk.tickets.READ`"),
            ("ZohoBilling.fullaccess.all", "`ZohoSubscriptions.fullaccess.all`"),
            ("CRM.users.READ", "`ZohoCRM.users.READ`"),
            ("zohopeople.forms.READ", "`ZOHOPEOPLE.forms.READ`"),
            ("zohocrm.users.read", "`ZohoCRM.users.READ`"),
            ("zohocrm.USERS.delete", "`ZohoCRM.users.DELETE`"),
            ("ZOHOCRM.MODULES.ALL", "`ZohoCRM.modules.ALL`"),
            ("zohocrm.made_up.read", "`ZohoCRM.made_up.READ`"),
            ("zohobooks.FullAccess.ALL", "`ZohoBooks.fullaccess.all`"),
            ("ZohoExpense.fullaccess.all", "`ZohoExpense.fullaccess.ALL`"),
        ] {
            let advice = likely_meant(scope).unwrap_or_default();
            assert!(advice.contains(part) && advice.contains(scope), "{scope}: {advice}");
        }
        for scope in [
            "AaaServer.profile.Read",
            "openid",
            "ZohoPeople.forms.ALL",
            "ZohoPeople.leave.READ",
            "offline_access",
            "Unknown.thing.READ",
            "ZohoCRM.Modules.ALL",
            "€",
        ] {
            assert_eq!(likely_meant(scope), None);
        }
    }

    #[test]
    fn nothing_is_said_against_what_is_known_to_work() {
        for scope in PRODUCTS.iter().flat_map(|product| product.scopes) {
            assert_eq!(likely_meant(scope), None);
        }
    }
}
