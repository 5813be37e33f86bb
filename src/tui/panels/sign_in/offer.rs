//! What can be asked for at each stage of a sign-in, and what its keys are called there.

use super::{SignInPanel, Stage, view};
use crate::error::{Advice, Code, Error, Way};
use crate::tui::keymap::Command;
use crate::tui::surroundings::Surroundings;

impl SignInPanel {
    /// What can be asked for now, in the order of the footer.
    pub(super) fn offered(&self, around: &Surroundings) -> Vec<Command> {
        if !self.policy.is_attended() {
            // OK on a remote: somebody is there and wants to go on.
            let goes_on = matches!(self.stage, Stage::SignedIn { .. } | Stage::Failed { .. });
            return goes_on.then_some(Command::Choose).into_iter().collect();
        }
        match &self.stage {
            Stage::Asking { .. } | Stage::Approved => vec![Command::Help, Command::Back],
            Stage::GivingBack => vec![Command::Help],
            Stage::Unsaved { .. } => vec![Command::Choose, Command::Help, Command::Back],
            Stage::Waiting(waiting)
                if self.qr.is_full_screen && view::lack_of_full_screen_qr(around, waiting).is_some() =>
            {
                vec![Command::FullScreenQr, Command::Back]
            }
            Stage::Waiting(_) if self.qr.is_full_screen => {
                vec![Command::FullScreenQr, Command::InvertQr, Command::BiggerQr, Command::SmallerQr, Command::Back]
            }
            Stage::Waiting(_) if self.is_link_bare => {
                vec![Command::BareLink, Command::CopyLink, Command::CopyCode, Command::Back]
            }
            Stage::Waiting(waiting) => {
                // In the demo nothing else goes on.
                let mut commands = if around.is_demo { vec![Command::DemoApprove] } else { Vec::new() };
                commands.extend([Command::CopyCode, Command::CopyLink]);
                // Where not even the whole window has room for a QR code, there is none to turn or to enlarge.
                let is_drawn = view::lack_of_full_screen_qr(around, waiting).is_none();
                let drawn = |commands: &[Command]| if is_drawn { commands.to_vec() } else { Vec::new() };
                commands.extend(drawn(&[Command::FullScreenQr]));
                commands.push(Command::NewCode);
                if around.is_demo {
                    commands.extend([Command::DemoApproveElsewhere, Command::DemoDecline]);
                }
                if around.has_browser {
                    commands.push(Command::OpenBrowser);
                }
                commands.extend([Command::Help, Command::Back, Command::BareLink]);
                commands.extend(drawn(&[Command::InvertQr, Command::BiggerQr, Command::SmallerQr]));
                commands.extend([Command::SaveQrPng, Command::SaveQrSvg, Command::Choose]);
                commands
            }
            Stage::SignedIn { .. } => {
                vec![Command::Choose, Command::Api, Command::Logout, Command::Help]
            }
            Stage::Failed { error, .. } if goes_another_way(error) => {
                vec![Command::Choose, Command::Help, Command::Back]
            }
            Stage::Failed { error, .. } if error.code == Code::CodeExpired || is_of_profile(error) => {
                vec![Command::Choose, Command::NewCode, Command::Help, Command::Back]
            }
            Stage::Failed { .. } => vec![Command::NewCode, Command::Help, Command::Back],
        }
    }

    /// What a key does at this stage, where the footer has no room for all that it may do.
    pub(super) fn offered_as(&self, command: Command) -> Option<&'static str> {
        let is_covered = self.qr.is_full_screen || self.is_link_bare;
        match (command, &self.stage) {
            (Command::Choose, Stage::Waiting(_)) => Some("ask now"),
            (Command::Choose, Stage::Unsaved { .. }) => Some("try again"),
            (Command::Choose, Stage::Failed { error, .. }) if error.code == Code::CodeExpired => Some("new code"),
            (Command::Choose, Stage::Failed { .. }) => Some("edit profile"),
            (Command::NewCode, Stage::Failed { error, user_code, .. })
                if is_of_profile(error) || user_code.is_none() =>
            {
                Some("try again")
            }
            (Command::FullScreenQr | Command::BareLink | Command::Back, Stage::Waiting(_)) if is_covered => {
                Some("back")
            }
            (Command::Back, Stage::Failed { .. }) if !self.is_alone => Some("back"),
            (Command::Back, Stage::Failed { .. }) => Some("leave"),
            _ => None,
        }
    }
}

/// Takes the code, or the address with the code in it, away from this screen.
pub(super) fn hands_on(command: Command) -> bool {
    use Command::{BareLink, CopyCode, CopyLink, FullScreenQr, OpenBrowser, SaveQrPng, SaveQrSvg};
    matches!(command, CopyCode | CopyLink | BareLink | OpenBrowser | FullScreenQr | SaveQrPng | SaveQrSvg)
}

/// The client signs in by what no screen does.
fn goes_another_way(error: &Error) -> bool {
    matches!(error.advice[..], [Advice::SignInBy(_, Way::Web | Way::GrantCode)])
}

/// What went wrong is in the profile, so that another try would go the same way.
pub(super) fn is_of_profile(error: &Error) -> bool {
    matches!(
        error.code,
        Code::Config | Code::InvalidClient | Code::InvalidClientSecret | Code::WrongDataCenter | Code::InvalidScope
    )
}
