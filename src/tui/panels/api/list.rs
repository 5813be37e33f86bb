//! The list of requests: the person's own request, then test calls below their products, which fold. What the grant allows comes
//! first; a product of which it allows nothing is folded at first.

use std::collections::BTreeSet;

use crate::service::{TestCallEntry, TestCalls};
use crate::sorted;
use crate::tui::keymap::Command;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::list::moved;

/// The list, and where its cursor is.
#[derive(Debug, Default)]
pub(super) struct RequestList {
    rows: Vec<Row>,
    cursor: usize,
    /// Products that the person has folded or unfolded, against what they are at first.
    turned: BTreeSet<&'static str>,
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
        let granted = granted(known);
        let place = |number: &usize| {
            let entry = &known.calls[*number];
            let of_product = known.calls.iter().position(|other| other.product == entry.product);
            (!granted.contains(entry.product), of_product, !entry.is_granted, *number)
        };
        let mut numbers: Vec<usize> =
            (0..known.calls.len()).filter(|number| has_all(&known.calls[*number], &words)).collect();
        sorted::by_key(&mut numbers, place);
        self.rows = vec![Row::OwnRequest];
        let mut product = None;
        for number in numbers {
            let of = known.calls[number].product;
            if product != Some(of) {
                product = Some(of);
                self.rows.push(Row::Product(of));
            }
            // What is looked for is shown wherever it is.
            if !words.is_empty() || granted.contains(of) != self.turned.contains(of) {
                self.rows.push(Row::Call(number));
            }
        }
        let first = self.rows.iter().position(|row| matches!(row, Row::Call(_)));
        let first = first.unwrap_or_else(|| usize::from(self.rows.len() > 1));
        // The own request is there whatever is looked for, and was not found by it.
        let stays = |row: &Row| words.is_empty() || matches!(row, Row::Call(_));
        let same = before.filter(stays).and_then(|before| self.rows.iter().position(|row| *row == before));
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

    /// Whether the calls of a product are hidden, unless they are looked for.
    pub(super) fn is_folded(&self, known: &TestCalls, product: &str) -> bool {
        granted(known).contains(product) == self.turned.contains(product)
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
        if folds.is_none_or(|folds| folds != self.is_folded(known, product)) && !self.turned.remove(product) {
            self.turned.insert(product);
        }
        self.select(Row::Product(product));
        self.fill(known);
    }

    pub(super) fn fold_all(&mut self, known: &TestCalls, folds: bool) {
        let granted = granted(known);
        let products = known.calls.iter().map(|entry| entry.product);
        self.turned = sorted::set(products.filter(|product| granted.contains(product) == folds));
        if let Some(Row::Call(number)) = self.row()
            && folds
        {
            self.select(Row::Product(known.calls[number].product));
        }
        self.fill(known);
    }
}

/// The products of which the grant allows something.
fn granted(known: &TestCalls) -> BTreeSet<&'static str> {
    sorted::set(known.calls.iter().filter(|entry| entry.is_granted).map(|entry| entry.product))
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
        let scopes = ["ZohoCRM.org.READ", "Desk.basic.READ"].map(str::to_owned);
        TestCalls::new(provider.default_data_center().clone(), provider.dialect, &scopes)
    }

    fn list(known: &TestCalls) -> RequestList {
        let mut list = RequestList::default();
        list.fill(known);
        list
    }

    #[test]
    fn what_is_granted_comes_first_and_the_rest_has_a_line_for_each_product() {
        let known = known();
        let list = list(&known);
        let name = |row: &Row| match row {
            Row::OwnRequest => "own",
            Row::Product(product) => product,
            Row::Call(number) => known.calls[*number].name,
        };
        let names: Vec<&str> = list.rows().iter().map(name).collect();
        assert_eq!(names[..4], ["own", "CRM", "Organization", "Current user"]);
        assert_eq!(list.row().as_ref().map(name), Some("Organization"));
        let desk = names.iter().position(|name| *name == "Desk").expect("it is there");
        let rest = &list.rows()[desk + 2..];
        assert!(rest.len() > 5 && rest.iter().all(|row| matches!(row, Row::Product(_))), "{names:?}");
    }

    #[test]
    fn a_product_folds_from_any_of_its_calls_and_unfolds_from_its_heading() {
        let known = known();
        let mut list = list(&known);
        list.step(Command::Down, 1);
        let rows = list.rows().len();
        list.fold(&known, None);
        assert_eq!((list.row(), list.is_folded(&known, "CRM")), (Some(Row::Product("CRM")), true));
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
            let Some(Row::Call(number)) = list.rows().get(2).copied() else { panic!("nothing for {words}") };
            assert_eq!(known.calls[number].product, product);
            assert_eq!(list.cursor(), 2);
            list.select(Row::OwnRequest);
            list.fill(&known);
            assert_eq!(list.cursor(), 2, "{words}");
        }
        list.filter = Some(Field::new("nothing has this"));
        list.fill(&known);
        assert_eq!(list.rows(), [Row::OwnRequest]);
    }
}
