//! What a simulated project contains, and changes to it without a request.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::contract::Switches;
use super::service::Simulator;
use super::state::State;
use super::world::{Entity, World};
use super::{assets, relationships};

impl Simulator {
    /// Returns a catalog of the project: its ids and region, `categories` with path, statuses and attributes,
    /// `locations` and `counts`.
    #[must_use]
    pub fn world_json(&self) -> Value {
        self.shared().state.world.catalogue()
    }

    /// Returns all assets with all fields, including deleted ones, in order of creation.
    #[must_use]
    pub fn assets(&self) -> Value {
        assets::snapshot(&self.shared().state.world)
    }

    /// Returns all relationships, including deleted ones, in order of creation.
    #[must_use]
    pub fn relationships(&self) -> Value {
        let shared = self.shared();
        // Switches affect only responses, so format the relationships with the default values.
        let switches = Switches::default();
        let mut random = fastrand::Rng::with_seed(0);
        let all = &shared.state.world.relationships;
        all.iter()
            .map(|relationship| relationships::printed(relationship, &switches, &mut random))
            .collect()
    }

    /// Links `count` documents to assets without a request, and returns the ids of the relationships. If
    /// there are no active assets, the documents are linked to ids that no asset has.
    pub fn seed_relationships(&self, count: usize) -> Vec<String> {
        let mut shared = self.shared();
        let world = &mut shared.state.world;
        let assets: Vec<Uuid> = world
            .assets()
            .iter()
            .filter(|asset| asset.stamp.active())
            .map(|asset| asset.id)
            .collect();
        (0..count)
            .map(|index| {
                let asset = if assets.is_empty() {
                    world.new_id()
                } else {
                    assets[index % assets.len()]
                };
                let document = format!("urn:adsk.wipprod:dm.lineage:{}", world.new_id().simple());
                let id = world.new_id();
                let ends = [
                    ("autodesk-bim360-asset", "asset", asset.to_string()),
                    ("autodesk-bim360-documentmanagement", "documentlineage", document),
                ];
                let entities = ends.map(|(domain, kind, id)| Entity {
                    domain: domain.into(),
                    kind: kind.into(),
                    id: id.into(),
                });
                world.add_relationship(id, entities, false);
                id.to_string()
            })
            .collect()
    }

    /// Creates an asset as another user and returns its id. The audit does not count this asset.
    pub fn create_asset(&self, asset: &Value) -> Result<String, String> {
        self.by_another(|state, user| assets::create_one(state, asset, user))
    }

    /// Changes an asset as another user.
    pub fn patch_asset(&self, id: &str, change: &Value) -> Result<(), String> {
        self.by_another(|state, user| assets::patch_one(state, id, change, user))
    }

    /// Deletes an asset as another user.
    pub fn delete_asset(&self, id: &str) -> Result<(), String> {
        self.by_another(|state, user| assets::delete_one(state, id, user))
    }

    fn by_another<T>(
        &self,
        change: impl FnOnce(&mut State, &Arc<str>) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut shared = self.shared();
        self.tick(&mut shared.state);
        change(&mut shared.state, &"CK7W2PD4RN8V".into())
    }

    /// Changes the project directly, without a request.
    pub fn edit_world<T>(&self, edit: impl FnOnce(&mut World) -> T) -> T {
        let mut shared = self.shared();
        let edited = edit(&mut shared.state.world);
        shared.state.lists = assets::ListCache::default();
        edited
    }
}
