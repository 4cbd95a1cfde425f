from homeassistant.components.switch import SwitchEntity
from . import Mixin, build
class S(Mixin, SwitchEntity):
    def __init__(self, e, ids, spec):
        super().__init__(e, ids, spec)
        self._attr_is_on = e.get("value")
    async def async_turn_on(self, **kw):
        self._attr_is_on = True; self.async_write_ha_state()
    async def async_turn_off(self, **kw):
        self._attr_is_on = False; self.async_write_ha_state()
async def async_setup_entry(hass, entry, add):
    add(build(hass, "switch", S))
