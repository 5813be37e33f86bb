//! What several test files share. Each test file uses a part of it.

pub(crate) mod scenario;
