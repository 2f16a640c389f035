//! The asset that an item changes or deletes.

use crate::simulator::contract::Switch;
use crate::simulator::refusal::Violation;
use crate::simulator::state::State;
use crate::simulator::values::uuid;

/// Looks up the asset to patch or delete. If the asset is unknown, or is deleted and the switch
/// `deleted_asset` is not `accept`, returns a violation and may change `status`.
pub fn target(state: &State, id: &str, status: &mut u16) -> Result<usize, Violation> {
    let mut missing = |code: &'static str, switch: Switch, detail: String| {
        for (value, number) in [("404", 404), ("409", 409)] {
            if (number == 404 || switch == Switch::DeletedAsset) && state.switches.is(switch, value) {
                *status = number;
            }
        }
        let mut violation = Violation::new(code, detail);
        violation.metadata.insert("id".into(), id.into());
        violation
    };
    let Some(position) = uuid(id).and_then(|id| state.world.asset_position(id)) else {
        return Err(missing(
            "ASSET_NOT_FOUND",
            Switch::UnknownAsset,
            format!("There is no asset {id:?}."),
        ));
    };
    if !state.world.assets()[position].stamp.active() && !state.switches.is(Switch::DeletedAsset, "accept") {
        return Err(missing(
            "ASSET_DELETED",
            Switch::DeletedAsset,
            format!("Asset {id:?} was deleted."),
        ));
    }
    Ok(position)
}
