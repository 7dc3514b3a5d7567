//! A recommendation as text, Markdown, CSV or JSON.

use anyhow::{Context, Result};

use super::{Answer, Assessed, Recommendation, Standing, Verdict};
use crate::need::Need;
use crate::sheet::{Part, markdown, shown_in, text};
use crate::table::{Format, Table, number};
use crate::verdict::key;

/// What a line for Cargo does not do.
const ALSO: &str = "the program has to declare the allocator, and to be built as the matrix builds: README.md, The library";

/// How more becomes known.
const ADVICE: &str = "more --launches make the intervals narrower; `cargo matrix doctor` says whether the machine is quiet enough for \
                      the wall clock";

impl Recommendation {
    /// The whole answer.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, format: Format) -> Result<String> {
        Ok(match format {
            Format::Text => text(&self.head(), self.parts()),
            Format::Md => markdown(&self.head(), self.parts()),
            Format::Csv => self.csv(),
            Format::Json => {
                serde_json::to_string_pretty(self)
                    .context("failed to write the recommendation as JSON")?
                    + "\n"
            }
        })
    }

    fn head(&self) -> Vec<String> {
        let needs: Vec<String> = self.needs.iter().map(Need::to_string).collect();
        vec![
            format!("record   {}", self.campaigns.join(", ")),
            format!("needs    {}", needs.join(", ")),
            format!(
                "load     {}, {}; {} decides among the designs that meet the needs",
                self.workload,
                self.load,
                self.primary.name()
            ),
        ]
    }

    fn parts(&self) -> Vec<Part> {
        let parts = [
            (Standing::Meets, "meet every need"),
            (
                Standing::MayMeet,
                "may meet every need: of what is marked ? it is not known",
            ),
            (
                Standing::Excluded,
                "excluded: what is marked ! misses its need",
            ),
        ];
        let part = |(standing, title)| self.part(standing, title);
        let parts = parts.into_iter().filter_map(part);
        parts.chain([self.chosen()]).collect()
    }

    fn part(&self, standing: Standing, title: &str) -> Option<Part> {
        let designs: Vec<&Assessed> = self.with(standing).collect();
        let (primary, scale) = shown_in(self.primary);
        let heads = self.needs.iter().map(|need| {
            let (unit, _) = need.subject.shown_in();
            format!("{need}: {unit} [95 %]")
        });
        let heads = ["design".to_owned()].into_iter().chain(heads);
        let mut table = Table::new(heads.chain([primary.to_owned()]));
        for design in &designs {
            let cells = self.needs.iter().zip(&design.answers);
            let cells = cells.map(|(need, answer)| cell(need, answer));
            let cells = [design.design.clone()].into_iter().chain(cells);
            let figure = number(design.primary.map(|figure| figure / scale));
            table.row(cells.chain([figure]).collect());
        }
        (!designs.is_empty()).then(|| Part {
            title: format!(
                "{} of {} designs {title}",
                designs.len(),
                self.designs.len()
            ),
            table: Some(table),
            notes: reasons(&designs),
        })
    }

    /// The set, in the order of the record, and how to depend on each.
    fn chosen(&self) -> Part {
        let set: Vec<&Assessed> = self.with(Standing::Meets).collect();
        let set: Vec<&Assessed> = set
            .into_iter()
            .filter(|design| design.may_be_best)
            .collect();
        let name = self.primary.name();
        let title = match set.len() {
            0 => "no design is known to meet every need".to_owned(),
            1 => format!("the best in {name} of those that meet every need"),
            count => format!(
                "the best in {name} of those that meet every need is one of {count}, and which one the launches do not tell"
            ),
        };
        let is_open = set.is_empty() && self.with(Standing::MayMeet).next().is_some();
        let advice = is_open.then(|| ADVICE.to_owned());
        let also = (!set.is_empty()).then(|| ALSO.to_owned());
        Part {
            title,
            table: (!set.is_empty()).then(|| self.lines(&set)),
            notes: [
                self.notes.clone(),
                Vec::from_iter(advice),
                Vec::from_iter(also),
            ]
            .concat(),
        }
    }

    /// The lines for Cargo stand in the first column, in one piece to copy.
    fn lines(&self, set: &[&Assessed]) -> Table {
        let (primary, scale) = shown_in(self.primary);
        let mut table = Table::new(["the line for Cargo", primary]);
        for design in set {
            let figure = design.primary.map(|figure| figure / scale);
            table.row(vec![design.cargo.clone(), number(figure)]);
        }
        table
    }

    fn csv(&self) -> String {
        let mut table = Table::new([
            "design",
            "standing",
            "may_be_best",
            "need",
            "value",
            "low",
            "high",
            "verdict",
            "why",
            "primary",
            "primary_value",
        ]);
        let figure = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| value.to_string());
        for design in &self.designs {
            for (need, answer) in self.needs.iter().zip(&design.answers) {
                let (verdict, why) = match &answer.verdict {
                    Verdict::Met => ("met", String::new()),
                    Verdict::Missed => ("missed", String::new()),
                    Verdict::Unknown(why) => ("unknown", why.clone()),
                };
                table.row(vec![
                    design.design.clone(),
                    design.standing.name().to_owned(),
                    design.may_be_best.to_string(),
                    need.to_string(),
                    figure(answer.value),
                    figure(answer.interval.map(|interval| interval.low)),
                    figure(answer.interval.map(|interval| interval.high)),
                    verdict.to_owned(),
                    why,
                    key(self.primary),
                    figure(design.primary),
                ]);
            }
        }
        table.csv()
    }
}

impl Standing {
    fn name(self) -> &'static str {
        match self {
            Standing::Meets => "meets",
            Standing::MayMeet => "may-meet",
            Standing::Excluded => "excluded",
        }
    }
}

fn cell(need: &Need, answer: &Answer) -> String {
    let (_, scale) = need.subject.shown_in();
    let shown = |value: f64| number(Some(value / scale));
    let mark = match answer.verdict {
        Verdict::Met => "",
        Verdict::Missed => "!",
        Verdict::Unknown(_) => "?",
    };
    let interval = answer.interval.map_or("n/a".to_owned(), |interval| {
        format!("{}, {}", shown(interval.low), shown(interval.high))
    });
    let value = answer.value.map_or("n/a".to_owned(), shown);
    format!("{value} [{interval}]{mark}")
}

/// Why it is not known, each reason once, and why figures do not count.
fn reasons(designs: &[&Assessed]) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for design in designs {
        let invalid = design.invalid.iter();
        reasons.extend(invalid.map(|why| format!("! {} is INVALID: {why}", design.design)));
    }
    for answer in designs.iter().flat_map(|design| &design.answers) {
        if let Verdict::Unknown(why) = &answer.verdict {
            let why = format!("? {why}");
            if !reasons.contains(&why) {
                reasons.push(why);
            }
        }
    }
    reasons
}
