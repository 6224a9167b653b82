#include "tests/fault/agent_fixture.h"
