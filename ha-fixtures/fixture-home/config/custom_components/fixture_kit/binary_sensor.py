from homeassistant.components.binary_sensor import BinarySensorEntity
from . import Mixin, build
class S(Mixin, BinarySensorEntity):
    def __init__(self, e, ids, spec):
        super().__init__(e, ids, spec)
        self._attr_is_on = e.get("value")
async def async_setup_entry(hass, entry, add):
    add(build(hass, "binary_sensor", S))
