//! The ways to write the text column, from the one with most words and air to the barest.

/// How the user code stands there; it is plain text in every form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeForm {
    Large,
    Boxed,
    Plain,
}

/// One way to write the column.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is said or left out for itself")]
pub(super) struct Way {
    /// Blank rows between what belongs together; at 0, one as far as there are rows left.
    pub(super) gap: u16,
    pub(super) code: CodeForm,
    /// Numbered steps with the title line of the app above, instead of short sentences below a heading of their own.
    pub(super) numbered: bool,
    /// The steps say more than what to do.
    pub(super) explains: bool,
    /// One permission a line.
    pub(super) lists: bool,
    pub(super) gauge: bool,
    /// Who asks, where nothing above says it.
    pub(super) who: bool,
    /// Sentences rather than a few words, and which code ran out.
    pub(super) whole: bool,
    /// Why there is no code to scan.
    pub(super) lack: bool,
}

const RICH: Way = Way {
    gap: 1,
    code: CodeForm::Boxed,
    numbered: true,
    explains: true,
    lists: true,
    gauge: true,
    who: false,
    whole: true,
    lack: true,
};
const USUAL: Way = Way { explains: false, lists: false, ..RICH };
pub(super) const BRIEF: Way = Way { numbered: false, gap: 0, code: CodeForm::Plain, who: true, ..USUAL };
const BARE: Way = Way { gauge: false, ..BRIEF };
const SHORT: Way = Way { whole: false, ..BARE };
const SHORTEST: Way = Way { lack: false, ..SHORT };
pub(super) const LEAST: Way = Way { who: false, ..SHORTEST };

/// Beside a code to scan, air comes before large letters.
pub(super) const WITH_QR: [Way; 12] = [
    Way { gap: 2, code: CodeForm::Large, ..RICH },
    Way { code: CodeForm::Large, ..RICH },
    RICH,
    Way { explains: false, ..RICH },
    USUAL,
    Way { gap: 0, ..USUAL },
    Way { gap: 0, code: CodeForm::Plain, ..USUAL },
    BRIEF,
    BARE,
    SHORT,
    SHORTEST,
    LEAST,
];

/// Without one, the letters are what is read from afar.
pub(super) const WITHOUT_QR: [Way; 16] = [
    Way { gap: 2, code: CodeForm::Large, ..RICH },
    Way { code: CodeForm::Large, ..RICH },
    Way { code: CodeForm::Large, explains: false, ..RICH },
    Way { code: CodeForm::Large, ..USUAL },
    Way { gap: 1, code: CodeForm::Large, ..BRIEF },
    Way { code: CodeForm::Large, ..BRIEF },
    Way { code: CodeForm::Large, ..BARE },
    RICH,
    USUAL,
    Way { gap: 1, code: CodeForm::Boxed, ..BRIEF },
    Way { code: CodeForm::Boxed, ..BRIEF },
    BRIEF,
    BARE,
    SHORT,
    SHORTEST,
    LEAST,
];
