from homeassistant.components.sensor import SensorEntity
from . import Mixin, build
class S(Mixin, SensorEntity):
    def __init__(self, e, ids, spec):
        super().__init__(e, ids, spec)
        v = e.get("value")
        if e.get("as") == "datetime":
            from datetime import datetime
            v = datetime.fromisoformat(v)
        self._attr_native_value = v
        self._attr_native_unit_of_measurement = e.get("unit")
        if "precision" in e:
            self._attr_suggested_display_precision = e["precision"]
        if "state_class" in e:
            self._attr_state_class = e["state_class"]
async def async_setup_entry(hass, entry, add):
    add(build(hass, "sensor", S))
