from homeassistant.components.climate import ClimateEntity, HVACMode, ClimateEntityFeature
from homeassistant.const import UnitOfTemperature
from . import Mixin, build
class S(Mixin, ClimateEntity):
    _attr_hvac_modes = [HVACMode.OFF, HVACMode.HEAT, HVACMode.HEAT_COOL]
    _attr_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_supported_features = ClimateEntityFeature.TARGET_TEMPERATURE | ClimateEntityFeature.TARGET_HUMIDITY
    def __init__(self, e, ids, spec):
        super().__init__(e, ids, spec)
        self._attr_hvac_mode = HVACMode(e["value"])
async def async_setup_entry(hass, entry, add):
    add(build(hass, "climate", S))
