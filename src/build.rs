//! Has the linker put side by side what a short command runs, pack the addresses that are set when the program starts, keep
//! one of functions that are alike, and take in a library: the start touches fewer pages by each. A linker or a C library that
//! does not know how builds the same program without. What is built for tests, which start it thousands of times, has its
//! addresses set by the linker.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The functions that short commands and a login that waits run, as patterns that other versions of compiler and dependencies
/// keep to, and sections of files, as the linker has them: of constants, and of what is not one function each. `tests/order`
/// writes them. Those that are no more are passed over.
const ORDER: &str = include_str!("order.txt");

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let is_for_linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if !is_for_linux {
        return;
    }
    let (instruction, arguments) = if is_release {
        let others = ["-Wl,-z,pack-relative-relocs", "-Wl,--icf=all", "-Wl,-O2"].map(str::to_owned);
        ("rustc-link-arg-bins", order().into_iter().chain(others).collect())
    } else {
        ("rustc-link-arg", vec!["-no-pie".to_owned()])
    };
    for argument in arguments {
        if is_understood(&argument).unwrap_or(false) {
            println!("cargo::{instruction}={argument}");
        }
    }
    // What walks the stack of a panic, which would else be a library of its own to load at each start.
    if is_understood("-l:libgcc_eh.a").unwrap_or(false) {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Has what is listed come first: what is read behind the headers, which are read at any start, and what is run behind that by
/// which any program starts and ends. What walks the stack would find only addresses in a program without symbols, and takes
/// an eighth of it.
fn order() -> Option<String> {
    let script = PathBuf::from(env::var_os("OUT_DIR")?).join("order.ld");
    let (read, run): (Vec<&str>, Vec<&str>) = ORDER.lines().partition(|line| line.contains("(.rodata"));
    let read: Vec<String> = read.iter().map(|section| format!("{section}\n")).collect();
    let run: Vec<String> =
        run.iter()
            .map(|line| {
                if line.contains('(') {
                    format!("{line}\n")
                } else {
                    format!("*(.text.{line} .text.unlikely.{line})\n")
                }
            })
            .collect();
    let (read, run) = (read.concat(), run.concat());
    write(
        &script,
        &format!(
            "SECTIONS {{ .rodata.first : {{\n{read}*(.rodata.cst*)\n*(.rodata.str1.1)\n}} }} INSERT BEFORE .rodata;\n\
             SECTIONS {{ /DISCARD/ : {{ *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table*) }}\n\
             .text.first : {{\nKEEP(*(.init))\nKEEP(*(.fini))\n*(.plt)\n{run}}} }} INSERT BEFORE .text;\n"
        ),
    )?;
    Some(format!("-Wl,-T,{}", script.display()))
}

fn write(path: &Path, text: &str) -> Option<()> {
    File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).ok()
}

/// Tells whether a program that is linked so starts here, as far as it is one for this machine.
fn is_understood(argument: &str) -> Option<bool> {
    let directory = PathBuf::from(env::var_os("OUT_DIR")?);
    let (source, program) = (directory.join("probe.rs"), directory.join("probe"));
    write(&source, "fn main() {}\n")?;
    let (target, host) = (env::var("TARGET").ok()?, env::var("HOST").ok()?);
    let mut compiler = Command::new(env::var_os("RUSTC")?);
    compiler.args(["--crate-type", "bin", "--target", &target, "-C", &format!("link-arg={argument}")]);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        compiler.arg("-C").arg([OsStr::new("linker="), &linker].into_iter().collect::<OsString>());
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    compiler.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    compiler.arg("-o").arg(&program).arg(&source);
    let is_linked = compiler.output().ok()?.status.success();
    Some(is_linked && (target != host || Command::new(&program).status().ok()?.success()))
}
