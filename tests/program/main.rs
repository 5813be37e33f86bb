//! The program as people and scripts meet it, its parts that need files or sockets, and the demo's server.

#[cfg(unix)]
mod access;
#[cfg(target_os = "linux")]
mod agent;
#[cfg(unix)]
mod answers;
#[cfg(unix)]
mod bodies;
mod cli;
#[cfg(unix)]
mod commands;
mod config;
#[cfg(unix)]
mod copies;
#[cfg(target_os = "linux")]
mod costs;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod endpoints;
#[cfg(unix)]
mod environment;
mod errors;
#[cfg(target_os = "linux")]
mod exec;
#[cfg(target_os = "linux")]
mod exit_codes;
#[cfg(unix)]
mod expected;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod git_credential;
mod grants;
#[cfg(unix)]
mod hints;
mod history;
#[cfg(unix)]
mod hostile;
mod http;
#[cfg(unix)]
mod interrupts;
#[cfg(target_os = "linux")]
mod kept;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod manual;
mod meaning;
#[cfg(unix)]
mod named_files;
mod other_ways;
#[cfg(target_os = "linux")]
mod package;
mod pages;
#[cfg(target_os = "linux")]
mod pending;
#[cfg(target_os = "linux")]
mod power;
#[cfg(unix)]
mod recipes;
mod scopes;
#[cfg(target_os = "linux")]
mod secrets;
mod status;
mod storage;
#[cfg(target_os = "linux")]
mod store;
#[cfg(all(target_os = "linux", feature = "postgres"))]
mod stores;
mod streams;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod support;
#[cfg(unix)]
mod throttles;
mod tls;
mod token;
mod tokens_left;
mod troubles;
#[cfg(target_os = "linux")]
mod unwritable;
mod ways_out;
