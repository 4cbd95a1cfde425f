from homeassistant.components.media_player import MediaPlayerEntity, MediaPlayerEntityFeature
from . import Mixin, build
class S(Mixin, MediaPlayerEntity):
    def __init__(self, e, ids, spec):
        super().__init__(e, ids, spec)
        self._attr_state = e.get("value")
        f = MediaPlayerEntityFeature.PLAY | MediaPlayerEntityFeature.VOLUME_SET
        if e.get("search"):
            f |= MediaPlayerEntityFeature.PLAY_MEDIA | MediaPlayerEntityFeature.SEARCH_MEDIA
        if "features" in e:
            f = MediaPlayerEntityFeature(e["features"])
        self._attr_supported_features = f
async def async_setup_entry(hass, entry, add):
    add(build(hass, "media_player", S))
