//! Configurations as people, programs and mistakes write them, for tests of what reads them.

use proptest::prelude::*;
use proptest::sample::select;

/// What may stand above all tables.
pub(super) const ABOVE: &[&str] = &[
    "",
    "\u{feff}# A remark with [brackets]\n",
    "default_profile = \"work\"\n",
    "# first\r\ndefault_profile = \"lobby\"\r\n\r\n# second\r\n",
    "default_profile = \"lobby\"\nstore = \"file:records\"\nkey_command = [\n  \"pass\", \"[x]\",\n]\n",
    "default_profile = \"nobody\"\n",
    "screen = { theme = \"dark\" }\n",
    "screen.mouse = false\n",
    "profiles.dotted = { provider = \"zoho\", client_id = \"x\" }\n",
    "profiles.work.provider = \"github\"\nprofiles.work.client_id = \"x\"\n",
    "profiles = {}\n",
    "providers.corp.kind = \"standard\"\nproviders.corp.issuer = \"https://other.example.com\"\n",
    "\"profiles\".work = { provider = \"zoho\", client_id = \"x\" }\n",
    "colour = 1\n",
    "[\n",
];

/// What begins a table, or seems to.
pub(super) const HEADS: &[&str] = &[
    "[profiles.work]",
    "[profiles.lobby] # \u{1}",
    "[profiles.lobby]\u{a0}",
    "[profiles.'lobby']",
    "[ profiles . work ]",
    "[\"\\u0070rofiles\".work]",
    "[profiles.work.client_secret_files]",
    "[profiles.\"a]b\"]",
    "[[profiles.work]]",
    "[profiles]",
    "[screen]",
    "[screen.keys]",
    "[\"screen\"]",
    "[providers.lab]",
    "[providers.zoho]",
    "[]",
];

/// Lines of tables, right and wrong ones.
pub(super) const LINES: &[&str] = &[
    "",
    "  # [profiles.x]",
    "# \u{1}",
    "# \u{7f}",
    "\r",
    "\u{a0}",
    "provider = \"lab\" # of [ours]",
    "provider=\"Zoho\"\r",
    "provider",
    "= \"x\"",
    "client_id\t=\t\"1000.B\"  ",
    "client_id = \"a\tb\"",
    "client_id = \"a\u{1}\"",
    "client_id = \"a\u{7f}\"",
    "client_id = \"x\" y",
    "client_id = \"x",
    "client_id = \"\"",
    "client_id = 'x'",
    "client_id = \"x\\n\"",
    "client_id = \"\"\"\nx\"\"\"",
    "client_id = 5",
    "\"client_id\" = \"x\"",
    "client_id.x = \"x\"",
    "data_center = \"EU\"",
    "client_type = \"Desktop\"",
    "redirect_uri = \"myapp://cb\"",
    "scopes = [\"A.b.READ\", \"C.d.ALL\"]",
    "scopes = [ \r\n  \"A.b.READ\" ,\n\t\"C\",\n]",
    "scopes = []",
    "scopes = [,]",
    "scopes = [\"a\" \"b\"]",
    "scopes = [\"a\",,]",
    "scopes = [[\"a\"]]",
    "scopes = [ # none\n]",
    "scopes = [",
    "]",
    "client_secret_files = { eu = \"s\" }",
    "client_secret_files.eu = \"s\"",
    "client_secret_file = \"s\"",
    "client_secret_env = \"A\"",
    "eu = \"s\"",
    "kind = \"google\"",
    "theme = \"dark\"",
    "allowed_origins = [\"https://api.example.com\"]",
    "git_hosts = [\"git.example.com\"]",
    "colour = 1",
];

/// A profile that is right, unless it has a line too many.
pub(super) fn profile() -> impl Strategy<Value = String> {
    let names = &["work", "lobby", "ops", "\"v1.2\"", "\"ops\"", "z9"][..];
    let (provider, client) =
        (&["provider = \"zoho\"", "provider = \"LAB\" # x"][..], &["client_id = \"1000.A\"", "client_id = 'x'"][..]);
    let more = prop::collection::vec(select(LINES), 0..2);
    (select(names), select(&["", "  ", "\n# about\n"][..]), select(provider), select(client), more, any::<bool>())
        .prop_map(|(name, ahead, provider, client, more, is_of_windows)| {
            let text = format!("{ahead}[profiles.{name}]\n{}\n{provider}\n{client}\n", more.join("\n"));
            if is_of_windows { text.replace("\r\n", "\n").replace('\n', "\r\n") } else { text }
        })
}
