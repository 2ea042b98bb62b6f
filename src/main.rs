//! The program: words in, exit code out.

fn main() -> std::process::ExitCode {
    mcai::cli::main()
}
