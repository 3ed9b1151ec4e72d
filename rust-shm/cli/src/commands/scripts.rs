//! `vas-frames completion` and `vas-frames man`: both made of the command line itself.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::failure::{Exit, Failure};
use crate::output::Output;

pub(crate) fn completion(shell: Shell, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "vas-frames", &mut script);
    output.bytes(&script)?;
    Ok(Exit::Yes)
}

pub(crate) fn man(output: &mut Output<'_>) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    let mut command = Arguments::command();
    // With the help of every command in it: one page says all.
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command
        .get_subcommands()
        .filter(|subcommand| subcommand.get_name() != "help")
    {
        let title = format!(".SH \"{}\"\n", subcommand.get_name().to_uppercase());
        page.extend(title.bytes());
        let manual = clap_mangen::Man::new(subcommand.clone());
        manual.render_description_section(&mut page)?;
        manual.render_options_section(&mut page)?;
        manual.render_extra_section(&mut page)?;
    }
    output.bytes(&page)?;
    Ok(Exit::Yes)
}
