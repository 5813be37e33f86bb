//! The scopes that are wanted, and the list in which they are found: by product, or by what is typed.

use crate::providers::Dialect;
use crate::providers::catalog::{Product, can_write, scope_in_words};
use crate::registered::is_scope;
use crate::sorted;
use crate::tables::Pairs;
use crate::tui::keymap::{Command, Key};
use crate::tui::widgets::field::Field;
use crate::tui::widgets::list::moved;

/// Rows by which a page moves.
const PAGE: usize = 8;

/// What was chosen, and where the cursor is.
#[derive(Debug)]
pub(super) struct Picker {
    pub(super) chosen: Vec<String>,
    pub(super) search: Field,
    products: &'static [Product],
    /// Offered where there are no products, each with its words.
    offered: Pairs,
    open: Option<&'static Product>,
    pub(super) selected: usize,
    /// The cursor was moved to a row since something was typed.
    is_in_list: bool,
}

/// One row of the list.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Row {
    GoOn,
    /// Closes the product that is open.
    AllProducts,
    Product(&'static Product),
    Scope(String),
    /// What was typed, which nobody here knows.
    Own(String),
}

/// What came of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    Taken,
    GoOn,
    Leave,
}

impl Picker {
    pub(super) fn new(chosen: Vec<String>, dialect: &'static Dialect) -> Self {
        let (search, products, offered) = (Field::new(""), dialect.products(), dialect.scopes);
        Self { chosen, search, products, offered, open: None, selected: 0, is_in_list: false }
    }

    /// What a scope allows, as the provider says it; itself where nothing is known of it.
    pub(super) fn in_words(&self, scope: &str) -> String {
        self.offered.of(scope).map_or_else(|| scope_in_words(scope), str::to_owned)
    }

    pub(super) fn has_products(&self) -> bool {
        !self.products.is_empty()
    }

    pub(super) fn open_product(&self) -> Option<&'static Product> {
        self.open
    }

    pub(super) fn is_search_empty(&self) -> bool {
        self.search.text().trim().is_empty()
    }

    pub(super) fn is_chosen(&self, scope: &str) -> bool {
        self.chosen.iter().any(|chosen| chosen == scope)
    }

    /// How many scopes of a product are chosen.
    pub(super) fn chosen_of(&self, product: &Product) -> usize {
        scopes_of(product).into_iter().filter(|scope| self.is_chosen(scope)).count()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        if !self.is_search_empty() {
            return self.matching(self.search.text().trim());
        }
        let mut rows = vec![Row::GoOn];
        if let Some(product) = self.open {
            rows.push(Row::AllProducts);
            rows.extend(scopes_of(product).into_iter().map(|scope| Row::Scope(scope.to_owned())));
            return rows;
        }
        rows.extend(self.chosen.iter().cloned().map(Row::Scope));
        let offered = self.offered.iter().filter(|(scope, _)| !self.is_chosen(scope));
        rows.extend(offered.map(|(scope, _)| Row::Scope(scope.to_owned())));
        rows.extend(self.products.iter().map(Row::Product));
        rows
    }

    pub(super) fn selected_row(&self) -> Option<Row> {
        self.rows().get(self.selected).cloned()
    }

    /// Known scopes that have every word that was typed in their name, their words or their product, those that allow the
    /// least first; then what was typed itself.
    fn matching(&self, typed: &str) -> Vec<Row> {
        let typed_in_lower_case = typed.to_ascii_lowercase();
        let wanted: Vec<&str> = typed_in_lower_case.split_whitespace().collect();
        let has = |texts: &[&str]| {
            let text = texts.join("\n").to_ascii_lowercase();
            wanted.iter().all(|word| text.contains(word))
        };
        let mut found: Vec<&str> = Vec::new();
        for product in self.products {
            let scopes = scopes_of(product).into_iter();
            found.extend(scopes.filter(|scope| has(&[product.key, product.name, scope, &scope_in_words(scope)])));
        }
        found.extend(self.offered.iter().filter(|(scope, words)| has(&[scope, words])).map(|(scope, _)| scope));
        let mine = self.chosen.iter().filter(|chosen| has(&[chosen])).map(String::as_str);
        found.extend(mine);
        sorted::by_key(&mut found, |scope| breadth(scope));
        let mut rows: Vec<Row> = Vec::new();
        for scope in found {
            let row = Row::Scope(scope.to_owned());
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        let is_known = rows.iter().any(|row| matches!(row, Row::Scope(scope) if scope == typed));
        // All of Zoho's have a dot, so that a word that is looked for does not become one by accident.
        let may_be_one = is_scope(typed) && (self.products.is_empty() || typed.contains('.'));
        if may_be_one && !is_known {
            rows.push(Row::Own(typed.to_owned()));
        }
        rows
    }

    /// Does what the person asked for.
    pub(super) fn run(&mut self, command: Command) -> Pressed {
        match command {
            Command::Choose => return self.act(true),
            Command::Toggle => return self.act(false),
            Command::Back => return self.back(),
            _ if command.is_move() => {
                self.is_in_list = true;
                self.step(command);
            }
            _ => {}
        }
        Pressed::Taken
    }

    /// Takes in a key that is text. Without any, keys that edit it move and go back.
    pub(super) fn typed(&mut self, key: Key) -> Pressed {
        match key {
            Key::Home if self.is_search_empty() => self.step(Command::Home),
            Key::End if self.is_search_empty() => self.step(Command::End),
            // No search begins with a blank.
            Key::Char(' ') if self.search.text().is_empty() => {}
            Key::Backspace if self.is_search_empty() => return self.back(),
            key => {
                if self.search.press(key) {
                    self.begin_typing();
                }
            }
        }
        Pressed::Taken
    }

    fn step(&mut self, command: Command) {
        self.selected = moved(self.selected, command, PAGE, self.rows().len().saturating_sub(1));
    }

    /// A list that is pasted is chosen as a whole; a single word is looked for.
    pub(super) fn paste(&mut self, text: &str) {
        let scopes: Vec<&str> = text
            .split(|character: char| character == ',' || character.is_whitespace())
            .filter(|scope| !scope.is_empty())
            .collect();
        if scopes.len() > 1 && scopes.iter().all(|scope| is_scope(scope)) {
            for scope in scopes {
                self.choose(scope);
            }
            return;
        }
        self.search.paste(text, true);
        self.begin_typing();
    }

    /// What is typed changes the list, whose first row is then the likeliest.
    fn begin_typing(&mut self) {
        (self.selected, self.is_in_list) = (0, false);
    }

    /// The field has the terminal's cursor, not the list.
    pub(super) fn is_typing(&self) -> bool {
        !self.is_in_list
    }

    /// Space is a blank between words while a search is typed, and ticks elsewhere.
    pub(super) fn ticks_by_space(&self) -> bool {
        let is_free = self.is_in_list || self.is_search_empty();
        is_free && matches!(self.selected_row(), Some(Row::Scope(_) | Row::Own(_)))
    }

    /// Does what the row is for. After Enter, what was typed has served its purpose.
    fn act(&mut self, is_enter: bool) -> Pressed {
        let was_typing = !self.is_search_empty();
        match self.selected_row() {
            Some(Row::GoOn) => return Pressed::GoOn,
            Some(Row::AllProducts) => drop(self.back()),
            Some(Row::Product(product)) => {
                self.open = Some(product);
                // On the first of its scopes.
                self.selected = 2;
            }
            // Who looked for it wants it, whether or not Space was pressed before.
            Some(Row::Scope(scope)) if was_typing && is_enter => self.choose(&scope),
            Some(Row::Scope(scope)) => self.toggle(&scope),
            Some(Row::Own(scope)) => {
                self.choose(&scope);
                self.search = Field::new("");
            }
            // What was typed stays to be mended.
            None => return Pressed::Taken,
        }
        if was_typing && is_enter {
            self.search = Field::new("");
        }
        if was_typing && self.search.text().is_empty() {
            self.begin_typing();
        }
        self.selected = self.selected.min(self.rows().len().saturating_sub(1));
        Pressed::Taken
    }

    /// What Enter does with the row that has the cursor, for the footer.
    pub(super) fn enter_label(&self) -> Option<&'static str> {
        Some(match self.selected_row()? {
            Row::GoOn => "go on",
            Row::AllProducts => "close",
            Row::Product(_) => "open",
            Row::Scope(scope) => match (self.is_search_empty(), self.is_chosen(&scope)) {
                (false, true) => "keep",
                (true, true) => "untick",
                (_, false) => "tick",
            },
            Row::Own(_) => "tick",
        })
    }

    /// The same for Space.
    pub(super) fn space_label(&self) -> Option<&'static str> {
        match self.selected_row()? {
            Row::Scope(scope) if self.is_chosen(&scope) => Some("untick"),
            _ => None,
        }
    }

    fn back(&mut self) -> Pressed {
        if !self.search.text().is_empty() {
            self.search = Field::new("");
            self.begin_typing();
        } else if let Some(open) = self.open.take() {
            let is_open = |row: &Row| matches!(row, Row::Product(product) if product.key == open.key);
            self.selected = self.rows().iter().position(is_open).unwrap_or(0);
        } else {
            return Pressed::Leave;
        }
        Pressed::Taken
    }

    fn choose(&mut self, scope: &str) {
        if !self.is_chosen(scope) {
            self.chosen.push(scope.to_owned());
        }
    }

    fn toggle(&mut self, scope: &str) {
        if self.is_chosen(scope) {
            self.chosen.retain(|chosen| chosen != scope);
        } else {
            self.choose(scope);
        }
    }
}

/// How much a scope allows: reading, one kind of change, everything.
fn breadth(scope: &str) -> u8 {
    let is_whole = scope.rsplit_once('.').is_some_and(|(_, operation)| operation.eq_ignore_ascii_case("ALL"));
    if is_whole { 2 } else { u8::from(can_write(scope)) }
}

/// The scopes that are known of a product, those that allow the least first.
fn scopes_of(product: &Product) -> Vec<&'static str> {
    let mut scopes: Vec<_> = product.scopes.iter().collect();
    // `ZohoCRM.modules.READ` allows what `ZohoCRM.modules.leads.READ` does, and more.
    let has_parts = |scope: &str| {
        let whole = scope.rsplit_once('.').map_or(scope, |(whole, _)| whole);
        let is_part = |other: &str| other.strip_prefix(whole).is_some_and(|rest| rest.matches('.').count() > 1);
        product.scopes.iter().any(is_part)
    };
    sorted::by_key(&mut scopes, |scope| (breadth(scope), has_parts(scope)));
    scopes
}
