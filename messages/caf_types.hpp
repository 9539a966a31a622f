// Makes the plain messages known to CAF: type ids, and the permission to send them inside this
// process. CAF 0.17 inspectors know neither std::optional nor std::variant, and no message leaves
// the process, so messages are printed by their own list of fields (messages/json.hpp) instead.
// This is the one header below messages/ that includes CAF.
#pragma once

#include "messages/command.hpp"
#include "messages/frame.hpp"
#include "messages/identity.hpp"
#include "messages/lifecycle.hpp"
#include "messages/sample.hpp"
#include "messages/status.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

CAF_BEGIN_TYPE_ID_BLOCK(bmsd_messages, first_custom_type_id)
CAF_ADD_TYPE_ID(bmsd_messages, (bmsd::Command))
CAF_ADD_TYPE_ID(bmsd_messages, (bmsd::CommandOutcome))
CAF_ADD_TYPE_ID(bmsd_messages, (bmsd::Document))
CAF_ADD_TYPE_ID(bmsd_messages, (bmsd::Identity))
CAF_ADD_TYPE_ID(bmsd_messages, (bmsd::Lifecycle))
CAF_ADD_TYPE_ID(bmsd_messages, (bmsd::LinkState))
CAF_ADD_TYPE_ID(bmsd_messages, (bmsd::Sample))
CAF_ADD_TYPE_ID(bmsd_messages, (bmsd::Status))
CAF_END_TYPE_ID_BLOCK(bmsd_messages)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::Command)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::CommandOutcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::Document)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::Identity)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::Lifecycle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::LinkState)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::Sample)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bmsd::Status)
