#include "transports/dbus/bus_item_calls.hpp"

#include <algorithm>
#include <array>

namespace bmsd::dbus {

namespace {

constexpr std::size_t kMaxWrittenText = 4'096; // bytes; nothing that a user types is longer

/// One method call on an object that exists.
struct Call {
  ItemTree& tree;
  Item* leaf; // nullptr: a node
  std::string_view path;
  sd_bus_message* message;
  const WriteSink& sink;
  const RefusalSink& refused;
};

Message reply_to(const Call& call) {
  sd_bus_message* reply = nullptr;
  sd_bus_message_new_method_return(call.message, &reply);
  return Message(reply);
}

void send(const Message& reply) {
  if (reply) {
    sd_bus_send(nullptr, reply.get(), nullptr);
  }
}

void reply_variant(const Call& call, const ValueView& value) {
  auto reply = reply_to(call);
  append_variant(reply.get(), value);
  send(reply);
}

double as_number(const Value& value) {
  auto* integer = std::get_if<std::int32_t>(&value);
  auto* real = std::get_if<double>(&value);
  return integer ? *integer : real ? *real : 0.0;
}

bool within(const WriteLimits& limits, const Value& value) {
  if (auto* text = std::get_if<std::string>(&value)) {
    return text->size() <= kMaxWrittenText;
  }
  return (!limits.min || as_number(value) >= as_number(*limits.min)) &&
         (!limits.max || as_number(value) <= as_number(*limits.max));
}

// -- methods ------------------------------------------------------------------

void leaf_get_value(const Call& call) {
  reply_variant(call, view(call.leaf->value));
}

void leaf_get_text(const Call& call) {
  sd_bus_reply_method_return(call.message, "s", call.leaf->text.c_str());
}

void leaf_get_limit(const Call& call, std::optional<Value> WriteLimits::*which) {
  const auto* limits = call.leaf->writable.get();
  const auto* limit = limits != nullptr && limits->*which ? &*(limits->*which) : nullptr;
  reply_variant(call, limit != nullptr ? view(*limit) : ValueView());
}

void leaf_set_value(const Call& call) {
  auto& item = *call.leaf;
  // A Qt client invalidates with a bare, empty array instead of a variant.
  bool bare = sd_bus_message_has_signature(call.message, "ai") > 0;
  bool bare_empty = bare && sd_bus_message_enter_container(call.message, SD_BUS_TYPE_ARRAY, "i") >= 0 &&
                    sd_bus_message_at_end(call.message, 0) > 0;
  auto sent = !bare ? read_variant(call.message) : bare_empty ? std::optional<Value>(Value()) : std::nullopt;
  auto value = sent ? convert(*sent, item.type) : std::nullopt;
  const auto refuse = [&call](SetResult result) {
    answer_write(call.message, result);
    call.refused(*call.leaf, result);
  };
  if (!item.writable || !value) {
    refuse(kNotWritable);
  } else if (*value == item.value) {
    answer_write(call.message, kAccepted);
  } else if (!within(*item.writable, *value)) {
    refuse(kRefused);
  } else {
    call.sink(item, std::move(*value), retain(call.message));
  }
}

/// GetValue and GetText of a node: one variant that holds a dictionary with relative keys.
template <class Append>
void node_get(const Call& call, const char* entry, Append append) {
  auto reply = reply_to(call);
  auto* message = reply.get();
  auto array = "{" + std::string(entry) + "}";
  sd_bus_message_open_container(message, SD_BUS_TYPE_VARIANT, ("a" + array).c_str());
  sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, array.c_str());
  call.tree.below(call.path, [&](const Item& item, std::string_view key) {
    sd_bus_message_open_container(message, SD_BUS_TYPE_DICT_ENTRY, entry);
    sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, key.data()); // the end of a path: NUL follows
    append(message, item);
    sd_bus_message_close_container(message);
  });
  sd_bus_message_close_container(message);
  sd_bus_message_close_container(message);
  send(reply);
}

void node_get_value(const Call& call) {
  node_get(call, "sv", [](sd_bus_message* message, const Item& item) { append_variant(message, view(item.value)); });
}

void node_get_text(const Call& call) {
  node_get(call, "ss", [](sd_bus_message* message, const Item& item) {
    sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, item.text.c_str());
  });
}

void root_get_items(const Call& call) {
  auto reply = reply_to(call);
  sd_bus_message_open_container(reply.get(), SD_BUS_TYPE_ARRAY, "{sa{sv}}");
  for (const auto& item : call.tree.items()) {
    append_item(reply.get(), item, true);
  }
  sd_bus_message_close_container(reply.get());
  send(reply);
}

constexpr std::string_view kIntrospectHead =
    R"(<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node>
 <interface name="org.freedesktop.DBus.Introspectable">
  <method name="Introspect"><arg name="data" type="s" direction="out"/></method>
 </interface>
 <interface name="com.victronenergy.BusItem">
)";
constexpr std::string_view kIntrospectLeaf =
    R"(  <method name="GetValue"><arg name="value" type="v" direction="out"/></method>
  <method name="GetText"><arg name="text" type="s" direction="out"/></method>
  <method name="SetValue"><arg name="value" type="v" direction="in"/><arg name="result" type="i" direction="out"/></method>
  <method name="GetMin"><arg name="value" type="v" direction="out"/></method>
  <method name="GetMax"><arg name="value" type="v" direction="out"/></method>
  <method name="GetDefault"><arg name="value" type="v" direction="out"/></method>
  <signal name="PropertiesChanged"><arg name="changes" type="a{sv}"/></signal>
)";
constexpr std::string_view kIntrospectNode =
    R"(  <method name="GetValue"><arg name="values" type="v" direction="out"/></method>
  <method name="GetText"><arg name="texts" type="v" direction="out"/></method>
)";
constexpr std::string_view kIntrospectRoot =
    R"(  <method name="GetItems"><arg name="items" type="a{sa{sv}}" direction="out"/></method>
  <signal name="ItemsChanged"><arg name="changes" type="a{sa{sv}}"/></signal>
)";

void introspect(const Call& call) {
  std::string xml(kIntrospectHead);
  xml += call.leaf ? kIntrospectLeaf : kIntrospectNode;
  if (call.path == "/") {
    xml += kIntrospectRoot;
  }
  xml += " </interface>\n";
  for (auto name : call.tree.children(call.path)) {
    xml.append(" <node name=\"").append(name).append("\"/>\n");
  }
  xml += "</node>\n";
  sd_bus_reply_method_return(call.message, "s", xml.c_str());
}

// -- dispatch -----------------------------------------------------------------

constexpr const char* kIntrospectable = "org.freedesktop.DBus.Introspectable";

enum class On : std::uint8_t { leaf, node, root, all };

struct Method {
  const char* interface;
  std::string_view name;
  On on;
  std::array<const char*, 2> signatures; // allowed ones
  void (*run)(const Call& call);
};

constexpr std::array<Method, 10> kMethods = {{
    {kBusItem, "GetValue", On::leaf, {"", ""}, leaf_get_value},
    {kBusItem, "GetValue", On::node, {"", ""}, node_get_value},
    {kBusItem, "GetText", On::leaf, {"", ""}, leaf_get_text},
    {kBusItem, "GetText", On::node, {"", ""}, node_get_text},
    {kBusItem, "SetValue", On::leaf, {"v", "ai"}, leaf_set_value},
    {kBusItem, "GetItems", On::root, {"", ""}, root_get_items},
    {kBusItem, "GetMin", On::leaf, {"", ""}, [](const Call& call) { leaf_get_limit(call, &WriteLimits::min); }},
    {kBusItem, "GetMax", On::leaf, {"", ""}, [](const Call& call) { leaf_get_limit(call, &WriteLimits::max); }},
    {kBusItem, "GetDefault", On::leaf, {"", ""}, [](const Call& call) { leaf_get_limit(call, &WriteLimits::def); }},
    {kIntrospectable, "Introspect", On::all, {"", ""}, introspect},
}};

bool applies(On on, const Call& call) {
  switch (on) {
  case On::leaf: return call.leaf != nullptr;
  case On::node: return call.leaf == nullptr;
  case On::root: return call.path == "/";
  case On::all: return true;
  }
  return false;
}

const Method* find_method(const Call& call, const char* interface, std::string_view name) {
  auto found = std::find_if(kMethods.begin(), kMethods.end(), [&](const Method& method) {
    return method.name == name && applies(method.on, call) &&
           (!interface || std::string_view(method.interface) == interface);
  });
  return found == kMethods.end() ? nullptr : &*found;
}

} // namespace

void answer_write(sd_bus_message* call, int result) {
  sd_bus_reply_method_return(call, "i", result);
}

void answer_call(ItemTree& tree, sd_bus_message* message, const WriteSink& sink, const RefusalSink& refused) {
  std::string_view path = sd_bus_message_get_path(message);
  const char* interface = sd_bus_message_get_interface(message);
  const char* member = sd_bus_message_get_member(message);
  Call call{tree, tree.find(path), path, message, sink, refused};
  if (!call.leaf && !tree.is_node(path)) {
    sd_bus_reply_method_errorf(message, SD_BUS_ERROR_UNKNOWN_OBJECT, "Unknown object '%s'.", path.data());
    return;
  }
  const Method* method = find_method(call, interface, member);
  if (!method) {
    sd_bus_reply_method_errorf(message, SD_BUS_ERROR_UNKNOWN_METHOD, "No method '%s.%s' on '%s'.",
                               interface ? interface : "", member, path.data());
    return;
  }
  bool matches = std::any_of(method->signatures.begin(), method->signatures.end(), [&](const char* signature) {
    return sd_bus_message_has_signature(message, signature) > 0;
  });
  if (!matches) {
    sd_bus_reply_method_errorf(message, SD_BUS_ERROR_INVALID_ARGS, "Arguments '%s' instead of '%s'.",
                               sd_bus_message_get_signature(message, 1), method->signatures[0]);
    return;
  }
  method->run(call);
}

} // namespace bmsd::dbus
