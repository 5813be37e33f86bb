//! What the app opens with where no profile is configured yet: four ways on.

#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::tui::chrome::body;
use crate::tui::keymap::{Command, Scope};
use crate::tui::lines::draw_lines;
use crate::tui::message::{Effect, Ended, Pointing};
use crate::tui::overlay::Overlay;
use crate::tui::panel::{FormFor, Go, Outcome, Panel, Then, Title};
use crate::tui::surroundings::{Now, Surroundings};
use crate::tui::text::{cut, width, wrap};
use crate::tui::widgets::list::moved;

const INTRODUCTION: &str =
    "Sign this machine in by approving a code on your phone. From then on scripts ask it for a valid token.";
/// Longer lines are hard to follow.
const WIDEST: u16 = 72;
/// From here on there is a margin.
const AIRY: u16 = 56;
/// Before a choice: its cursor and a blank.
const CURSOR: usize = 2;

/// The choices, and the one that has the cursor.
#[derive(Debug, Default)]
pub struct Welcome {
    row: usize,
}

/// One way on.
#[derive(Clone, Copy, Debug)]
struct Choice {
    command: Command,
    title: &'static str,
    about: &'static str,
}

const ADD: Choice = Choice {
    command: Command::AddProfile,
    title: "Add a profile",
    about: "A few questions, then you sign in. It takes a client id and secret from the provider's console.",
};
const DEMO: Choice = Choice {
    command: Command::Demo,
    title: "See a demo here",
    about: "A sign-in, five profiles and API calls at a server of this program's own. No account, and nothing is kept.",
};
const IMPORT: Choice = Choice {
    command: Command::Import,
    title: "Import a token",
    about: "A refresh token that you have already, typed in or from the .env file of one of Zoho's SDKs.",
};
const HELP: Choice =
    Choice { command: Command::Help, title: "Help", about: "Which key does what. It is there on every screen." };

/// Nobody goes into a demo from a demo.
fn choices(around: &Surroundings) -> Vec<Choice> {
    let demo = (cfg!(feature = "demo") && !around.is_demo).then_some(DEMO);
    [Some(ADD), demo, Some(IMPORT), Some(HELP)].into_iter().flatten().collect()
}

impl Panel for Welcome {
    fn scope(&self) -> Scope {
        Scope::Welcome
    }

    fn title(&self, around: &Surroundings, _now: Now) -> Option<Title> {
        Some(Title::new("Welcome", Span::styled("no profile yet", around.theme.label)))
    }

    fn commands(&self, around: &Surroundings) -> Vec<Command> {
        choices(around).iter().map(|choice| choice.command).chain([Command::Quit]).collect()
    }

    fn run(&mut self, command: Command, around: &mut Surroundings, _now: Now) -> Then {
        let choices = choices(around);
        let chosen = choices.get(self.row).filter(|_| command == Command::Choose).map(|choice| choice.command);
        match chosen.unwrap_or(command) {
            Command::Help => around.overlay = Some(Overlay::Help { scroll: 0 }),
            Command::AddProfile => return Go::Form(FormFor::Add(None)).into(),
            Command::Import => return Go::Form(FormFor::Import(None)).into(),
            Command::Demo if choices.iter().any(|choice| choice.command == Command::Demo) => {
                return Effect::Quit(Ended::Demo).into();
            }
            Command::Quit => return Effect::Quit(Ended::Quit).into(),
            Command::NextPane => self.row = (self.row + 1) % choices.len(),
            Command::PreviousPane => self.row = (self.row + choices.len() - 1) % choices.len(),
            _ if command.is_move() => self.row = moved(self.row, command, choices.len(), choices.len() - 1),
            _ => {}
        }
        // Nothing wakes a screen without a profile, so a key has it look whether there is one by now.
        Effect::LoadStatuses.into()
    }

    fn wants_mouse(&self) -> bool {
        true
    }

    /// Puts the cursor on the choice at a place; on the one that has it already, does what Enter does.
    fn point(&mut self, at: Position, what: Pointing, around: &mut Surroundings, now: Now) -> Then {
        let command = match what {
            Pointing::WheelUp => Command::Up,
            Pointing::WheelDown => Command::Down,
            Pointing::Press => match places(around).iter().position(|place| place.contains(at)) {
                Some(row) if row == self.row => Command::Choose,
                Some(row) => {
                    self.row = row;
                    return Then::default();
                }
                None => return Then::default(),
            },
        };
        self.run(command, around, now)
    }

    /// There is a profile now, which others may have added.
    fn reconfigured(&mut self, around: &mut Surroundings, _now: Now) -> Then {
        if around.config.profiles.is_empty() { Then::default() } else { Outcome::Nothing.into() }
    }

    /// Whatever came of the form is for the profiles.
    fn resume(&mut self, outcome: Outcome, around: &mut Surroundings, _now: Now) -> Then {
        if around.config.profiles.is_empty() { Effect::LoadStatuses.into() } else { outcome.into() }
    }

    fn view(&self, around: &Surroundings, _now: Now, area: Rect, frame: &mut Frame<'_>) {
        let page = Page::of(around, area);
        draw_lines(&page.introduction, page.area, frame);
        for (row, (lines, place)) in page.choices.iter().zip(&page.places).enumerate() {
            draw_lines(lines, *place, frame);
            if row != self.row || place.is_empty() {
                continue;
            }
            around.theme.select(*place, frame.buffer_mut());
            for y in place.y..place.bottom() {
                frame.buffer_mut().set_string(place.x, y, around.theme.cursor(), around.theme.accent);
            }
            frame.set_cursor_position(place.as_position());
        }
    }
}

/// Where the choices are.
fn places(around: &Surroundings) -> Vec<Rect> {
    Page::of(around, body(around.window)).places
}

/// What stands where.
struct Page {
    area: Rect,
    introduction: Vec<Line<'static>>,
    /// Each with its title and what it is about, as far as there is room for that.
    choices: Vec<Vec<Line<'static>>>,
    places: Vec<Rect>,
}

impl Page {
    /// With what each choice is about, else with their titles, of which as many as there is room for.
    fn of(around: &Surroundings, area: Rect) -> Self {
        let margin = if area.width >= AIRY { 3 } else { 1 };
        let columns = area.width.saturating_sub(2 * margin).min(WIDEST);
        let room = usize::from(columns);
        let introduction = wrap(INTRODUCTION, room).into_iter().map(|line| Line::styled(line, around.theme.text));
        let introduction: Vec<Line<'static>> = introduction.collect();
        let choices = choices(around);
        let keys = choices.iter().map(|choice| width(&around.key(Scope::Welcome, choice.command))).max().unwrap_or(1);
        let whole: Vec<_> = choices.iter().map(|choice| choice.lines(around, keys, room)).collect();
        let rows = |lines: &[Line<'_>]| u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let all = |choices: &[Vec<Line<'_>>], gap| {
            let each = choices.iter().map(|lines| rows(lines).saturating_add(gap));
            each.fold(rows(&introduction) + 1, u16::saturating_add)
        };
        let titles: Vec<_> = whole.iter().map(|lines| lines[..1].to_vec()).collect();
        let ways = [(&whole, 1), (&whole, 0), (&titles, 0)];
        let (choices, gap) = ways.into_iter().find(|(way, gap)| all(way, *gap) <= area.height + gap).unwrap_or(ways[2]);
        let top = area.height.saturating_sub(all(choices, gap).saturating_sub(gap)) / 4;
        let area =
            Rect { x: area.x + margin.min(area.width), y: area.y + top, width: columns, height: area.height - top };
        let mut y = area.y + rows(&introduction) + 1;
        let places = choices.iter().map(|lines| {
            let place = Rect { y, height: rows(lines), ..area };
            y = y.saturating_add(rows(lines) + gap);
            place.intersection(area)
        });
        let places = places.collect();
        Self { area, introduction, places, choices: choices.clone() }
    }
}

impl Choice {
    /// Its key and its title, and below them what it is about.
    fn lines(self, around: &Surroundings, keys: usize, room: usize) -> Vec<Line<'static>> {
        let theme = &around.theme;
        let key = around.key(Scope::Welcome, self.command);
        let indent = CURSOR + keys + 2;
        let pad = " ".repeat(keys + 2 - width(&key).min(keys));
        let title = cut(self.title, room.saturating_sub(indent), theme.cut());
        let head = [
            Span::raw(" ".repeat(CURSOR)),
            Span::styled(key, theme.shortcut),
            Span::raw(pad),
            Span::styled(title, theme.title),
        ];
        let about = wrap(self.about, room.saturating_sub(indent + 1).max(1)).into_iter();
        let about = about.map(|line| Line::styled(format!("{}{line}", " ".repeat(indent)), theme.text));
        std::iter::once(Line::from(head.to_vec())).chain(about).collect()
    }
}
