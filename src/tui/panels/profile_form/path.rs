//! The way from one step of the form to the next, and back.

use super::hidden::Hidden;
use super::steps::Step;
use super::{ProfileForm, Purpose};
use crate::config::ClientType;
use crate::tui::widgets::field::Field;

impl ProfileForm {
    /// How many rows the page has.
    pub(super) fn rows(&self) -> usize {
        match self.step {
            Step::Provider => self.offers.len(),
            Step::DataCenter => self.data_centers().len(),
            Step::ClientType => ClientType::ALL.len(),
            // Saving, then every step before it.
            Step::Review => self.steps().len(),
            Step::Remove => 2 + usize::from(self.may_remove_unrevoked()),
            Step::Saved => 1 + usize::from(self.signs_in_here()),
            _ => 0,
        }
    }

    /// A removal did not work: from then on the person may decide to leave the access to the provider.
    pub(super) fn may_remove_unrevoked(&self) -> bool {
        self.step == Step::Remove && self.failure.is_some()
    }

    /// A client is known to one server, and no other one gets its id, its secret or its token: they go once another is chosen.
    fn keep_client_to_its_server(&mut self) {
        let Some(server) = self.server() else { return };
        let is_other = self.draft.server.as_ref().is_some_and(|known| *known != server);
        self.draft.server = Some(server);
        if !is_other || (self.draft.client_id.text().is_empty() && self.draft.secret.is_empty()) {
            return;
        }
        let draft = &mut self.draft;
        (draft.client_id, draft.secret, draft.refresh_token) = (Field::new(""), Hidden::new(), Hidden::new());
        // A new profile has everything behind the server asked for again.
        self.is_from_review &= matches!(self.purpose, Purpose::Edit { .. });
    }

    /// Opens a page with its cursor where it was.
    pub(super) fn go_to(&mut self, step: Step) {
        self.keep_client_to_its_server();
        self.was_refused = false;
        self.row = match step {
            Step::Provider => self.draft.offer,
            Step::DataCenter => self.draft.data_center,
            Step::ClientType => self.draft.client_type,
            Step::Review if self.is_from_review => {
                self.steps().iter().position(|known| *known == self.step).map_or(0, |row| row + 1)
            }
            _ => 0,
        };
        if step == Step::Review {
            self.is_from_review = false;
        }
        self.draft.focus = 0;
        self.step = step;
    }

    /// Takes the row that has the cursor on a page that is a list.
    pub(super) fn take_row(&mut self) {
        match self.step {
            Step::Provider if self.draft.offer != self.row => {
                self.draft.offer = self.row;
                self.draft.data_center = 0;
                self.draft.client_type = 0;
                let blanks = self.offer().blanks().into_iter();
                self.draft.blanks =
                    blanks.map(|blank| (blank, Field::proposed(blank.default.unwrap_or_default()))).collect();
                let dialect = self.dialect();
                self.draft.picker = self.purpose.picker(dialect);
                self.note_change(true);
            }
            Step::DataCenter | Step::ClientType => {
                let (row, draft) = (self.row, &mut self.draft);
                let value = if self.step == Step::DataCenter { &mut draft.data_center } else { &mut draft.client_type };
                let is_changed = std::mem::replace(value, row) != row;
                self.note_change(is_changed);
            }
            _ => {}
        }
    }

    /// Goes on from a step, unless something is wrong with it.
    pub(super) fn go_on(&mut self) {
        self.take_row();
        if self.check(self.step).is_err() {
            self.was_refused = true;
            if self.step == Step::Token && !self.draft.refresh_token.is_empty() {
                // What was typed is what is wrong, and the keys that help are to reach it.
                self.draft.focus = 0;
            }
            if let (Step::Server, Err(fault)) = (self.step, self.chosen()) {
                let key = fault.key().to_string();
                let at = self.draft.blanks.iter().position(|(blank, _)| blank.key == key);
                self.draft.focus = at.unwrap_or(self.draft.focus);
            }
            return;
        }
        self.keep_client_to_its_server();
        let steps = self.steps();
        let at = steps.iter().position(|step| *step == self.step).unwrap_or(0);
        // Another provider or type of client brings steps that nobody has seen yet, and another client its own secret.
        let unseen = steps[at..].iter().find(|step| self.check(**step).is_err()).copied();
        let is_client = matches!(self.step, Step::Provider | Step::Server | Step::ClientId);
        let unseen = unseen.or((is_client && self.loses_secret()).then_some(Step::ClientSecret));
        let after = if self.is_from_review { unseen } else { steps.get(at + 1).copied() };
        let next = after.unwrap_or(Step::Review);
        let came_from = self.is_from_review && next != Step::Review;
        self.go_to(next);
        self.is_from_review |= came_from;
        if next == Step::Review {
            // The one value that was asked for is there, so saving it is next.
            self.row = 0;
        }
    }

    /// The step before; `None` where leaving is meant.
    pub(super) fn before(&self) -> Option<Step> {
        if self.is_from_review {
            return Some(Step::Review);
        }
        if matches!(self.purpose, Purpose::Edit { .. }) {
            return None;
        }
        let steps = self.steps();
        let at = steps.iter().position(|step| *step == self.step)?;
        steps.get(at.checked_sub(1)?).copied()
    }
}
