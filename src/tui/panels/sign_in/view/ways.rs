//! The ways to write the text column, from the one with most words and air to the barest.

/// How the user code stands there; it is plain text in every form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeForm {
    Large,
    Band,
    Line,
}

/// One way to write the column.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is said or left out for itself")]
pub(super) struct Way {
    /// Blank rows between what belongs together; at 0, one as far as there are rows left.
    pub(super) gap: u16,
    pub(super) code: CodeForm,
    /// What comes after the approval, which nobody has to do.
    pub(super) third_step: bool,
    /// One permission a line.
    pub(super) lists: bool,
    /// Who asks, where the title does not say it.
    pub(super) who: bool,
    /// Why there is no code to scan.
    pub(super) lack: bool,
    /// The second half of the warning.
    pub(super) warns_twice: bool,
}

const RICH: Way =
    Way { gap: 1, code: CodeForm::Band, third_step: true, lists: true, who: true, lack: true, warns_twice: true };
pub(super) const BRIEF: Way = Way { gap: 0, code: CodeForm::Line, third_step: false, lists: false, ..RICH };
const SHORT: Way = Way { who: false, ..BRIEF };
pub(super) const LEAST: Way = Way { lack: false, warns_twice: false, ..SHORT };

/// Beside a code to scan, air comes before large letters.
pub(super) const WITH_QR: [Way; 10] = [
    Way { gap: 2, code: CodeForm::Large, ..RICH },
    Way { code: CodeForm::Large, ..RICH },
    RICH,
    Way { gap: 0, ..RICH },
    Way { gap: 0, lists: false, ..RICH },
    Way { third_step: true, ..BRIEF },
    BRIEF,
    SHORT,
    Way { lack: false, ..SHORT },
    LEAST,
];

/// Without one, the letters are what is read from afar.
pub(super) const WITHOUT_QR: [Way; 12] = [
    Way { gap: 2, code: CodeForm::Large, ..RICH },
    Way { code: CodeForm::Large, ..RICH },
    Way { gap: 0, code: CodeForm::Large, ..RICH },
    Way { code: CodeForm::Large, ..BRIEF },
    RICH,
    Way { gap: 0, ..RICH },
    Way { gap: 0, lists: false, ..RICH },
    Way { code: CodeForm::Band, ..BRIEF },
    BRIEF,
    SHORT,
    Way { lack: false, ..SHORT },
    LEAST,
];
