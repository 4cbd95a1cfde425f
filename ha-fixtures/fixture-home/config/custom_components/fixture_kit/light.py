from homeassistant.components.light import LightEntity, ColorMode
from . import Mixin, build
class S(Mixin, LightEntity):
    def __init__(self, e, ids, spec):
        super().__init__(e, ids, spec)
        self._attr_is_on = e.get("value")
        if "brightness" in e:
            self._attr_brightness = e["brightness"]
            self._attr_supported_color_modes = {ColorMode.BRIGHTNESS}
            self._attr_color_mode = ColorMode.BRIGHTNESS
        else:
            self._attr_supported_color_modes = {ColorMode.ONOFF}
            self._attr_color_mode = ColorMode.ONOFF
    async def async_turn_on(self, **kw):
        self._attr_is_on = True
        if "brightness" in kw: self._attr_brightness = kw["brightness"]
        self.async_write_ha_state()
    async def async_turn_off(self, **kw):
        self._attr_is_on = False; self.async_write_ha_state()
async def async_setup_entry(hass, entry, add):
    add(build(hass, "light", S))
