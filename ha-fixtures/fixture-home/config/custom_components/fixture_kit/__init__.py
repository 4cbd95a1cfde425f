import json
from homeassistant.helpers import device_registry as dr
from homeassistant.const import __version__
PLATFORMS = ["sensor", "binary_sensor", "switch", "light", "cover", "fan", "media_player", "climate"]

def _ver():
    p = __version__.split(".")
    return int(p[0]) * 100 + int(p[1])

async def async_setup_entry(hass, entry):
    spec = json.loads(await hass.async_add_executor_job(lambda: open(hass.config.path("fixture.json"), encoding="utf-8").read()))
    reg = dr.async_get(hass)
    ids = {}
    for d in spec["devices"]:
        kw = {}
        if d.get("parent") is not None:
            if _ver() < 202609:
                # older releases know no child devices: plain device
                dev = reg.async_get_or_create(config_entry_id=entry.entry_id, identifiers={("fixture_kit", d["id"])}, name=d.get("name"))
            else:
                dev = reg.async_get_or_create_child(config_entry_id=entry.entry_id, identifiers={("fixture_kit", d["id"])}, name=d.get("name"), parent_device_id=ids[d["parent"]])
        else:
            dev = reg.async_get_or_create(config_entry_id=entry.entry_id, identifiers={("fixture_kit", d["id"])}, name=d.get("name"), manufacturer=d.get("manufacturer", "Fixture"), model=d.get("model", "Kit"))
        ids[d["id"]] = dev.id
    hass.data["fixture_kit"] = (spec, ids)
    for d in spec.get("timer_devices", []):
        from homeassistant.components.intent import async_register_timer_handler
        async_register_timer_handler(hass, ids[d], lambda *a: None)
    plats = sorted({e["platform"] for e in spec["entities"]})
    await hass.config_entries.async_forward_entry_setups(entry, plats)
    return True

def build(hass, platform, cls):
    spec, ids = hass.data["fixture_kit"]
    return [cls(e, ids, spec) for e in spec["entities"] if e["platform"] == platform]

class Mixin:
    _attr_should_poll = False
    def __init__(self, e, ids, spec):
        self.e = e
        self._attr_unique_id = e.get("unique_id")
        if "entity_id" in e:
            self.entity_id = e["entity_id"]
        self._attr_has_entity_name = e.get("has_entity_name", False)
        self._attr_name = e.get("name")
        if e.get("entity_category"):
            from homeassistant.const import EntityCategory
            self._attr_entity_category = EntityCategory(e["entity_category"])
        if e.get("device_class"):
            self._attr_device_class = e["device_class"]
        if "registry_visible" in e:
            self._attr_entity_registry_visible_default = e["registry_visible"]
        if "registry_enabled" in e:
            self._attr_entity_registry_enabled_default = e["registry_enabled"]
        if "available" in e:
            self._attr_available = e["available"]
        if e.get("attrs"):
            self._attr_extra_state_attributes = e["attrs"]
        if e.get("device") is not None:
            dev = next(d for d in spec["devices"] if d["id"] == e["device"])
            from homeassistant.helpers.device_registry import DeviceInfo
            try:
                if dev.get("parent") is not None and _ver() >= 202609:
                    try:
                        from homeassistant.helpers.device_registry import ChildDeviceInfo
                        self._attr_device_info = ChildDeviceInfo(identifiers={("fixture_kit", dev["id"])}, parent_device_id=ids[dev["parent"]], name=dev.get("name"))
                    except Exception:
                        self._attr_device_info = {"identifiers": {("fixture_kit", dev["id"])}, "parent_device_id": ids[dev["parent"]], "name": dev.get("name")}
                else:
                    self._attr_device_info = DeviceInfo(identifiers={("fixture_kit", dev["id"])}, name=dev.get("name"))
            except TypeError:
                self._attr_device_info = {"identifiers": {("fixture_kit", dev["id"])}, "name": dev.get("name")}
        for k, v in (e.get("set") or {}).items():
            setattr(self, "_attr_" + k, v)
