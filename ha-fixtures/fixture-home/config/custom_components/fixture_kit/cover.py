from homeassistant.components.cover import CoverEntity
from . import Mixin, build
class S(Mixin, CoverEntity):
    def __init__(self, e, ids, spec):
        super().__init__(e, ids, spec)
        self._attr_current_cover_position = e.get("value")
        self._attr_is_closed = e.get("value") == 0 if e.get("value") is not None else None
async def async_setup_entry(hass, entry, add):
    add(build(hass, "cover", S))
