//! The program `muster`. What it can do stands in [`bot::cli`].

fn main() -> std::process::ExitCode {
    bot::cli::main()
}
