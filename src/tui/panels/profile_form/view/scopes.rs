//! The page on which scopes are found and chosen.

use super::super::ProfileForm;
use super::super::scopes::{Picker, Row};
use super::{Choice, Entry, Page, field};
use crate::providers::catalog::{Product, advice, can_write};
use crate::tui::keymap::{Command, Scope};
use crate::tui::surroundings::Surroundings;
use crate::tui::theme::Mark;

/// The list of scopes, and what is known of the one that has the cursor.
pub(super) fn page<'a>(around: &Surroundings, form: &'a ProfileForm) -> Page<'a> {
    let enter = around.key(Scope::Typing, Command::Choose);
    let picker = &form.draft.picker;
    let rows = picker.rows();
    let heading = match picker.open_product() {
        Some(product) if picker.is_search_empty() => format!("What may be done in {}?", product.name),
        _ if form.is_import() => "What does the token allow?".to_owned(),
        _ => "What may be done?".to_owned(),
    };
    let mut notes = Vec::new();
    match picker.selected_row() {
        Some(Row::Scope(scope) | Row::Own(scope)) => notes.extend(about(&scope, picker)),
        Some(Row::GoOn) if form.is_import() && picker.chosen.is_empty() => {
            notes.push((None, "Leave it at that: the provider tells what the token allows.".to_owned()));
        }
        Some(Row::GoOn) => notes.extend(advice_on(picker)),
        Some(Row::Product(product)) => notes.push((None, told(product))),
        Some(Row::AllProducts) => {}
        None => {
            let dialect = form.dialect();
            let own = if dialect.has_products { "ZohoCRM.users.READ" } else { dialect.default_scope };
            let text = format!("No known scope has that. One of your own is typed whole, such as {own}.");
            notes.push((Some(Mark::Attention), text));
        }
    }
    Page {
        heading,
        fields: vec![Entry {
            placeholder: "(type a word or two)",
            ..field("Find", &picker.search, picker.is_typing())
        }],
        rows: rows.iter().map(|row| choice(row, picker)).collect(),
        selected: Some(picker.selected),
        notes,
        help: vec![format!("Type words to find scopes, or a whole scope of your own; {enter} ticks it.")],
        ..Page::default()
    }
}

fn choice(row: &Row, picker: &Picker) -> Choice {
    let text = |text: String, detail: String| Choice { text, detail };
    match row {
        Row::GoOn => match picker.chosen.len() {
            0 => text("Go on without a scope".to_owned(), String::new()),
            1 => text("Go on with 1 scope".to_owned(), String::new()),
            all => text(format!("Go on with {all} scopes"), String::new()),
        },
        Row::AllProducts => text("All products".to_owned(), String::new()),
        Row::Product(product) => {
            let chosen = picker.chosen_of(product);
            let chosen = if chosen > 0 { format!(", {chosen} chosen") } else { String::new() };
            text(format!("    {}", product.name), format!("{}.*{chosen}", product.scope_service))
        }
        Row::Scope(scope) => {
            let tick = if picker.is_chosen(scope) { "[x]" } else { "[ ]" };
            let words = picker.in_words(scope);
            text(format!("{tick} {scope}"), if words == *scope { String::new() } else { words })
        }
        Row::Own(scope) => text(format!("[ ] {scope}"), "as typed".to_owned()),
    }
}

/// A scope in words, and what may be wrong with it.
fn about(scope: &str, picker: &Picker) -> Vec<(Option<Mark>, String)> {
    let words = picker.in_words(scope);
    let mut notes = Vec::new();
    if let Some(clause) = warning(scope, picker) {
        notes.push((Some(Mark::Attention), format!("{clause}.")));
    } else if words == scope {
        notes.push((None, "Nothing is known of it here; the provider decides.".to_owned()));
    } else {
        let change = if can_write(scope) && picker.has_products() { " It can change data." } else { "" };
        notes.push((None, format!("{words}.{change}")));
    }
    notes
}

fn warning(scope: &str, picker: &Picker) -> Option<String> {
    advice(scope).filter(|_| picker.has_products())
}

/// What may be wrong with those that are chosen.
pub(super) fn advice_on(picker: &Picker) -> Vec<(Option<Mark>, String)> {
    let warnings = picker.chosen.iter().filter_map(|scope| warning(scope, picker));
    warnings.map(|clause| (Some(Mark::Attention), format!("{clause}."))).collect()
}

fn told(product: &Product) -> String {
    let note = product.notes.first().map_or_else(String::new, |note| format!(": {note}"));
    format!("{}, {} known scopes{note}.", product.name, product.scopes.iter().count())
}
