//! One table, a row for each figure, so that a spreadsheet or a data frame can turn it as it likes.

use super::cells::Cell;
use crate::table::Table;

pub(super) fn text(cells: &[Cell]) -> String {
    let mut table = Table::new([
        "campaign", "workload", "arm", "measure", "unit", "better", "value", "low", "high",
        "invalid",
    ]);
    for cell in cells {
        for measure in &cell.measures {
            let end = |end: usize| {
                let spread = measure.spread.map(|spread| spread[end].to_string());
                spread.unwrap_or_else(|| "n/a".to_owned())
            };
            table.row(vec![
                cell.campaign.clone(),
                cell.workload.clone(),
                cell.arm.clone(),
                measure.name.to_owned(),
                measure.unit.to_owned(),
                measure.better.name().to_owned(),
                measure.value.to_string(),
                end(0),
                end(1),
                cell.invalid.join("; "),
            ]);
        }
    }
    table.csv()
}
