//! The two data centers and the person who lives in each.

/// A data center of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum DataCenter {
    Us,
    Eu,
}

impl DataCenter {
    /// Where the demo's client is registered.
    pub(in crate::demo) const HOME: DataCenter = DataCenter::Us;

    /// Zoho's location code.
    pub(in crate::demo) fn code(self) -> &'static str {
        match self {
            DataCenter::Us => "us",
            DataCenter::Eu => "eu",
        }
    }
}

/// A person who can sign in at the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::demo) enum Person {
    Maya,
    Jonas,
}

impl Person {
    pub(in crate::demo) const AMERICAN: Person = Person::Maya;
    pub(in crate::demo) const EUROPEAN: Person = Person::Jonas;

    pub(in crate::demo) fn living_in(data_center: DataCenter) -> Self {
        match data_center {
            DataCenter::Us => Person::AMERICAN,
            DataCenter::Eu => Person::EUROPEAN,
        }
    }

    /// The data center in which the account lives.
    pub(in crate::demo) fn home(self) -> DataCenter {
        match self {
            Person::Maya => DataCenter::Us,
            Person::Jonas => DataCenter::Eu,
        }
    }

    pub(in crate::demo) fn first_name(self) -> &'static str {
        match self {
            Person::Maya => "Maya",
            Person::Jonas => "Jonas",
        }
    }

    pub(in crate::demo) fn last_name(self) -> &'static str {
        match self {
            Person::Maya => "Ortiz",
            Person::Jonas => "Keller",
        }
    }

    pub(in crate::demo) fn full_name(self) -> String {
        format!("{} {}", self.first_name(), self.last_name())
    }

    pub(in crate::demo) fn email(self) -> &'static str {
        match self {
            Person::Maya => "maya.ortiz@example.com",
            Person::Jonas => "jonas.keller@example.com",
        }
    }

    /// Zoho's account number.
    pub(in crate::demo) fn zuid(self) -> u64 {
        match self {
            Person::Maya => 700_100_241,
            Person::Jonas => 20_068_400_913,
        }
    }

    /// The company and its number, which the product APIs ask for.
    pub(in crate::demo) fn organization(self) -> (&'static str, u64) {
        match self {
            Person::Maya => ("Ortiz Bicycles", 60_012_345_678),
            Person::Jonas => ("Keller Orgelbau", 20_098_765_432),
        }
    }
}
