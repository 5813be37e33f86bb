//! All that the app knows: what surrounds the panels, and the panels. This is where one leads to another.

use std::any::Any;

use ratatui::layout::Rect;

use super::keymap::Scope;
use super::message::{Effect, Message};
use super::panel::{Go, Outcome, Panel, Then};
use super::panels::api::ApiPanel;
use super::panels::profile_form::ProfileForm;
use super::panels::profiles::ProfilesPanel;
use super::panels::sign_in::SignInPanel;
use super::panels::welcome::Welcome;
use super::surroundings::{Now, Surroundings};
use super::terminal::Shift;
use crate::abilities::Abilities;
use crate::config::Config;
use crate::service::Machine;

/// The whole state of the app. `update` alone changes it; `view` only reads it.
pub struct Model {
    pub around: Surroundings,
    /// The panel that has the screen.
    pub(super) top: Box<dyn Panel>,
    /// Each has opened the one after it, and the last one the top.
    below: Vec<Box<dyn Panel>>,
    /// Those that were left and outlive that.
    kept: Vec<Box<dyn Panel>>,
}

impl Model {
    pub fn new(abilities: Abilities, machine: Machine, config: Config) -> Self {
        let around = Surroundings::new(abilities, machine, config);
        Self { around, top: Box::new(ProfilesPanel::default()), below: Vec::new(), kept: Vec::new() }
    }

    /// The bindings that hold on the screen.
    pub fn scope(&self) -> Scope {
        self.top.scope()
    }

    /// The panel of a kind, whether it is on the screen or not.
    pub fn find<P: Panel>(&self) -> Option<&P> {
        let panels = std::iter::once(&self.top).chain(self.below.iter().rev()).chain(&self.kept);
        panels.map(|panel| &**panel as &dyn Any).find_map(<dyn Any>::downcast_ref)
    }

    #[cfg(test)]
    pub fn find_mut<P: Panel>(&mut self) -> Option<&mut P> {
        let panels = std::iter::once(&mut self.top).chain(self.below.iter_mut().rev()).chain(&mut self.kept);
        panels.map(|panel| &mut **panel as &mut dyn Any).find_map(<dyn Any>::downcast_mut)
    }

    /// Goes where a panel leads.
    pub fn go(&mut self, then: impl Into<Then>, now: Now) -> Vec<Effect> {
        let Then { mut effects, go } = then.into();
        effects.extend(match go {
            Go::Stay => Vec::new(),
            Go::SignIn { profile, options } => {
                let (panel, effects) = SignInPanel::start(profile, options, &mut self.around);
                self.open(panel);
                effects
            }
            Go::Form(purpose) => {
                let statuses = self.find::<ProfilesPanel>().map(|panel| panel.statuses.as_slice()).unwrap_or_default();
                if let Some(form) = ProfileForm::open(purpose, statuses, &self.around) {
                    // It would stand where the keys are told.
                    self.around.notice = None;
                    self.open(form);
                }
                Vec::new()
            }
            Go::Api(profile) => {
                while !is_a::<ProfilesPanel>(&*self.top) && self.close() {}
                let left = self.kept.extract_if(.., |panel| is_a::<ApiPanel>(&**panel)).next();
                let left = left.and_then(|panel| (panel as Box<dyn Any>).downcast().ok());
                let (panel, effects) = ApiPanel::open(left, profile, &mut self.around);
                self.open(panel);
                effects
            }
            Go::Back(outcome) => {
                self.close();
                let effects = self.resume(outcome, now);
                self.welcome();
                effects
            }
        });
        effects
    }

    /// Shows ways on in the place of a list without profiles.
    pub(super) fn welcome(&mut self) {
        let list = (&*self.top as &dyn Any).downcast_ref::<ProfilesPanel>();
        if list.is_some_and(|list| list.statuses.is_empty()) && self.around.config.profiles.is_empty() {
            self.open(Welcome::default());
        }
    }

    /// The panel in sight around the one that has the keys, and where that one is a box over it.
    pub(super) fn behind(&self) -> Option<(&dyn Panel, Rect)> {
        Some((&**self.below.last()?, self.top.place(&self.around)?))
    }

    /// By how much what is on the screen has moved between two frames, where it has.
    pub(super) fn shift(&self, before: Now, now: Now) -> Option<Shift> {
        let (from, to) = (self.top.drift(&self.around, before), self.top.drift(&self.around, now));
        let by = |from: u16, to: u16| to.cast_signed() - from.cast_signed();
        (from != to).then(|| Shift { right: by(from.x, to.x), down: by(from.y, to.y) })
    }

    /// Lets the panels in sight do what the time has come for. What the one behind does leads nowhere.
    pub(super) fn wake(&mut self, now: Now) -> Vec<Effect> {
        let is_boxed = self.top.place(&self.around).is_some();
        let then = self.top.wake(&mut self.around, now);
        let behind = self.below.last_mut().filter(|_| is_boxed);
        let effects = behind.map(|panel| panel.wake(&mut self.around, now).effects);
        self.go(then.and(effects.unwrap_or_default()), now)
    }

    /// Gives the screen to a panel.
    pub(super) fn open(&mut self, panel: impl Panel) {
        self.below.push(std::mem::replace(&mut self.top, Box::new(panel)));
    }

    /// Lets the panel on the screen go on.
    pub(super) fn resume(&mut self, outcome: Outcome, now: Now) -> Vec<Effect> {
        let then = self.top.resume(outcome, &mut self.around, now);
        self.go(then, now)
    }

    /// Takes the panel on the screen away; tells whether there was one below it.
    fn close(&mut self) -> bool {
        let Some(next) = self.below.pop() else { return false };
        let left = std::mem::replace(&mut self.top, next);
        if left.outlives() {
            self.kept.push(left);
        }
        true
    }

    /// Offers what happened to the panels, the one on the screen first. What the others do about it leads nowhere. Gives
    /// back what is about none of them.
    pub(super) fn hear(&mut self, message: Message, now: Now) -> (Vec<Effect>, Option<Message>) {
        let (then, mut rest) = self.top.hear(message, false, &mut self.around, now);
        let mut effects = Vec::new();
        for panel in self.below.iter_mut().rev().chain(&mut self.kept) {
            let Some(message) = rest.take() else { break };
            let heard = panel.hear(message, true, &mut self.around, now);
            effects.extend(heard.0.effects);
            rest = heard.1;
        }
        let mut all = self.go(then, now);
        all.extend(effects);
        (all, rest)
    }

    /// Ends what nobody is to go on with.
    pub(super) fn give_up(&self) -> Vec<Effect> {
        std::iter::once(&self.top).chain(&self.below).flat_map(|panel| panel.give_up()).collect()
    }
}

fn is_a<P: Panel>(panel: &dyn Panel) -> bool {
    (panel as &dyn Any).is::<P>()
}
