/* The ABI header alone is C11: it compiles here, and its layouts are what a C host would see. */
#include "plugins/abi/shoal_backend.h"

_Static_assert(sizeof(shoal_status) == 512, "status is one fixed size");
_Static_assert(sizeof(((shoal_op*)0)->attr) == 64, "attributes fit their reserve");
_Static_assert(offsetof(shoal_program, struct_size) == 0, "size first");
_Static_assert(offsetof(shoal_scalars, struct_size) == 0, "size first");
