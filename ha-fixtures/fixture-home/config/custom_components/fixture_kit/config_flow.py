from homeassistant.config_entries import ConfigFlow
class FixtureFlow(ConfigFlow, domain="fixture_kit"):
    VERSION = 1
    async def async_step_user(self, user_input=None):
        return self.async_create_entry(title="Fixture Kit", data={})
