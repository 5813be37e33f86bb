//! Which calls can be tried, and reading it anew once the grant is another one: somebody else may sign in meanwhile.

use super::answer::Exchange;
use super::list::{RequestList, Row};
use super::{ApiPanel, Catalogue};
use crate::api::Diagnosis;
use crate::error::{Code, Error};
use crate::providers::catalog;
use crate::service::{ProfileStatus, State, TestCalls};
use crate::tui::message::{Effect, TaskId};
use crate::tui::surroundings::Surroundings;

impl ApiPanel {
    /// Takes in which calls can be tried.
    pub(super) fn calls_loaded(&mut self, task: TaskId, result: Result<TestCalls, Error>) {
        if matches!(self.catalogue, Catalogue::Loading(wanted) if wanted == task) {
            self.catalogue = result.map_or_else(Catalogue::Failed, |known| Catalogue::Ready(Box::new(known)));
            self.with_list(RequestList::fill);
        } else if self.reading_again.take_if(|wanted| *wanted == task).is_some() {
            self.replace_calls(result);
        }
    }

    /// Whether what is shown does not fit what the profiles are like now.
    pub(super) fn is_other_by(&self, statuses: &[ProfileStatus]) -> bool {
        let status = statuses.iter().find(|status| status.name == self.profile);
        status.is_some_and(|status| !self.fits(status))
    }

    /// Reads the calls while those that are known stay where they are.
    pub(super) fn read_again(&mut self, around: &mut Surroundings) -> Vec<Effect> {
        if matches!(self.catalogue, Catalogue::Loading(_)) {
            return Vec::new();
        }
        let task = around.new_task();
        self.reading_again = Some(task);
        vec![Effect::LoadTestCalls { task, profile: self.profile.clone() }]
    }

    /// Tells whether the calls are marked as a status has it.
    fn fits(&self, status: &ProfileStatus) -> bool {
        let has_grant = status.state != State::SignedOut && status.problem.is_none();
        match &self.catalogue {
            Catalogue::Loading(_) => true,
            Catalogue::Failed(_) => !has_grant,
            Catalogue::Ready(known) => {
                let mut scoped = known.calls.iter().filter_map(|entry| Some((entry.scope?, entry.is_granted)));
                let is_here = status.data_center.as_ref().is_none_or(|code| *code == known.data_center.code);
                is_here && scoped.all(|(scope, is_granted)| is_granted == catalog::covers(&status.scopes, scope))
            }
        }
    }

    /// Tells whether an answer shows that its call is marked wrongly.
    pub(super) fn is_contradicted_by(&self, exchange: &Exchange) -> bool {
        let (Some(known), Ok(reply)) = (self.test_calls(), &exchange.outcome) else { return false };
        let Some(entry) = known.calls.iter().find(|entry| entry.call == exchange.call) else { return false };
        match &reply.explained {
            None => !entry.is_granted && reply.status < 400,
            Some(explained) => entry.is_granted && explained.diagnosis == Diagnosis::MissingScope,
        }
    }

    /// Shows other calls, with the cursor on the same one. What fails for a while only takes nothing away.
    fn replace_calls(&mut self, result: Result<TestCalls, Error>) {
        let at_cursor = self.selected_entry().map(|entry| (entry.product, entry.name));
        self.catalogue = match result {
            Ok(known) => Catalogue::Ready(Box::new(known)),
            Err(error) if error.code == Code::SignInNeeded => Catalogue::Failed(error),
            Err(_) => return,
        };
        self.with_list(|list, known| {
            list.fill(known);
            let same = known.calls.iter().position(|entry| Some((entry.product, entry.name)) == at_cursor);
            if let Some(number) = same {
                list.select(Row::Call(number));
            }
        });
    }
}
