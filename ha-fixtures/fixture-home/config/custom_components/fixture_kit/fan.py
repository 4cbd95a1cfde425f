from homeassistant.components.fan import FanEntity, FanEntityFeature
from . import Mixin, build
class S(Mixin, FanEntity):
    def __init__(self, e, ids, spec):
        super().__init__(e, ids, spec)
        self._attr_percentage = e.get("value")
        self._attr_supported_features = FanEntityFeature.SET_SPEED
async def async_setup_entry(hass, entry, add):
    add(build(hass, "fan", S))
