//! The list of requests: test calls below their products, which fold, and the person's own request.

use std::collections::BTreeSet;

use crate::service::{TestCallEntry, TestCalls};
use crate::tui::keymap::Command;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::list::moved;

/// The list, and where its cursor is.
#[derive(Debug, Default)]
pub(super) struct RequestList {
    rows: Vec<Row>,
    cursor: usize,
    /// Products whose calls are hidden.
    folded: BTreeSet<&'static str>,
    /// What is looked for in the list.
    pub(super) filter: Option<Field>,
}

/// A row of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Product(&'static str),
    /// The test call with this number.
    Call(usize),
    OwnRequest,
}

impl RequestList {
    /// Lists the rows anew. The cursor stays where it was, at first on the first call.
    pub(super) fn fill(&mut self, known: &TestCalls) {
        let before = self.row();
        let words = self.filter.as_ref().map(Field::text).unwrap_or_default().to_lowercase();
        self.rows.clear();
        let mut product = None;
        for (number, entry) in known.calls.iter().enumerate().filter(|(_, entry)| has_all(entry, &words)) {
            if product != Some(entry.product) {
                product = Some(entry.product);
                self.rows.push(Row::Product(entry.product));
            }
            // What is looked for is shown wherever it is.
            if !words.is_empty() || !self.folded.contains(entry.product) {
                self.rows.push(Row::Call(number));
            }
        }
        self.rows.push(Row::OwnRequest);
        let first = usize::from(self.rows.len() > 1);
        let same = before.and_then(|before| self.rows.iter().position(|row| *row == before));
        self.cursor = same.unwrap_or(first);
    }

    pub(super) fn row(&self) -> Option<Row> {
        self.rows.get(self.cursor).copied()
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    pub(super) fn is_folded(&self, product: &str) -> bool {
        self.folded.contains(product)
    }

    /// The number of calls in sight and folded away, without those that a search leaves out.
    pub(super) fn found(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row, Row::Call(_))).count()
    }

    pub(super) fn step(&mut self, command: Command, page: usize) {
        self.cursor = moved(self.cursor, command, page, self.rows.len().saturating_sub(1));
    }

    pub(super) fn move_to(&mut self, row: usize) {
        self.cursor = row.min(self.rows.len().saturating_sub(1));
    }

    pub(super) fn select(&mut self, row: Row) {
        self.cursor = self.rows.iter().position(|other| *other == row).unwrap_or(self.cursor);
    }

    /// Hides or shows the calls of the product at the cursor, and moves to its heading.
    pub(super) fn fold(&mut self, known: &TestCalls, folds: Option<bool>) {
        let product = match self.row() {
            Some(Row::Product(product)) => product,
            Some(Row::Call(number)) if folds != Some(false) => known.calls[number].product,
            _ => return,
        };
        let was_folded = self.folded.remove(product);
        if folds.unwrap_or(!was_folded) {
            self.folded.insert(product);
        }
        self.select(Row::Product(product));
        self.fill(known);
    }

    pub(super) fn fold_all(&mut self, known: &TestCalls, folds: bool) {
        self.folded = known.calls.iter().filter(|_| folds).map(|entry| entry.product).collect();
        if let Some(Row::Call(number)) = self.row()
            && folds
        {
            self.select(Row::Product(known.calls[number].product));
        }
        self.fill(known);
    }
}

/// Tells whether each of the words is in the call's names, scope or path.
fn has_all(entry: &TestCallEntry, words: &str) -> bool {
    let text =
        format!("{} {} {} {}", entry.product, entry.name, entry.scope.unwrap_or_default(), entry.call.url.path());
    let text = text.to_lowercase();
    words.split_whitespace().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{RequestList, Row};
    use crate::providers::zoho;
    use crate::service::TestCalls;
    use crate::tui::keymap::Command;
    use crate::tui::widgets::field::Field;

    fn known() -> TestCalls {
        let provider = zoho::provider();
        TestCalls::new(provider.default_data_center().clone(), provider.dialect, &[])
    }

    fn list(known: &TestCalls) -> RequestList {
        let mut list = RequestList::default();
        list.fill(known);
        list
    }

    #[test]
    fn calls_stand_below_their_products_and_the_cursor_on_the_first_call() {
        let known = known();
        let list = list(&known);
        assert_eq!(list.rows()[..2], [Row::Product("Accounts"), Row::Call(0)]);
        assert_eq!((list.row(), list.rows().last()), (Some(Row::Call(0)), Some(&Row::OwnRequest)));
    }

    #[test]
    fn a_product_folds_from_any_of_its_calls_and_unfolds_from_its_heading() {
        let known = known();
        let mut list = list(&known);
        list.step(Command::Down, 1);
        list.step(Command::Down, 1);
        let rows = list.rows().len();
        list.fold(&known, None);
        assert_eq!((list.row(), list.is_folded("CRM")), (Some(Row::Product("CRM")), true));
        assert!(list.rows().len() < rows);
        list.fold(&known, Some(false));
        assert_eq!(list.rows().len(), rows);
        list.fold_all(&known, true);
        assert_eq!(list.found(), 0);
        list.fold_all(&known, false);
        assert_eq!(list.found(), known.calls.len());
    }

    #[test]
    fn a_search_finds_names_scopes_and_paths_also_in_what_is_folded() {
        let known = known();
        let mut list = list(&known);
        list.fold_all(&known, true);
        for (words, product) in [("crm org", "CRM"), ("desk.basic", "Desk"), ("WORKBOOK", "Sheet")] {
            list.filter = Some(Field::new(words));
            list.fill(&known);
            let Some(Row::Call(number)) = list.rows().get(1).copied() else { panic!("nothing for {words}") };
            assert_eq!(known.calls[number].product, product);
        }
        list.filter = Some(Field::new("nothing has this"));
        list.fill(&known);
        assert_eq!(list.rows(), [Row::OwnRequest]);
    }
}
