// What a server offers and what a client can do: tools, resources, prompts, capabilities.
#pragma once

#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/json/serialize.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/mcp/content.hpp"
#include "mcp_provider/mcp/protocol.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp {

/// Who a program says it is. Not authenticated.
class implementation {
public:
    implementation() = default;
    implementation(std::string its_name, std::string its_version, std::string its_title = {})
        : name{std::move(its_name)}, version{std::move(its_version)}, title{std::move(its_title)} {}

    std::string name;
    std::string version;
    std::string title; ///< for people; empty for none

    void append_to(std::string& out) const {
        out += R"({"name":)";
        json::append_quoted(out, name);
        out += R"(,"version":)";
        json::append_quoted(out, version);
        detail::append_text_member(out, "title", title);
        out += '}';
    }
    /// Complains to the reader's pass where name or version is missing; an absent place gives an empty one.
    [[nodiscard]] static implementation read(json::reader in) {
        if (!in.present()) return {};
        return implementation{std::string{in["name"].text()}, std::string{in["version"].text()},
                              std::string{in["title"].text_or({})}};
    }
};

/// A tool. `input_schema` is the text of a JSON Schema of type object and goes out as it stands; arguments are checked
/// against it before the handler is called (see `json::validate` for how far).
class tool {
public:
    tool(std::string its_name, std::string its_description,
         std::string its_input_schema = R"({"type":"object"})")
        : name{std::move(its_name)}, description{std::move(its_description)},
          input_schema{std::move(its_input_schema)} {}

    std::string name; ///< 1 to 128 of `A-Z a-z 0-9 _ - . /`
    std::string description;
    std::string input_schema;
    std::string title; ///< for people; empty for none
    std::string
        output_schema; ///< JSON text; empty for none. Legacy clients see it only where its type is object
    std::string annotations; ///< JSON text of hints (`{"readOnlyHint":true}`); empty for none
    std::string icons;       ///< JSON text of an array; empty for none
    std::string meta;        ///< JSON text of `_meta`; empty for none

    /// `output_schema_fits` says whether a legacy client may see the output schema.
    void append_to(std::string& out, revision spoken, bool output_schema_fits) const {
        out += R"({"name":)";
        json::append_quoted(out, name);
        if (spoken >= revision::v2025_06_18) detail::append_text_member(out, "title", title);
        detail::append_text_member(out, "description", description);
        detail::append_json_member(out, "inputSchema", input_schema);
        if (is_modern(spoken) || (spoken >= revision::v2025_06_18 && output_schema_fits))
            detail::append_json_member(out, "outputSchema", output_schema);
        if (spoken >= revision::v2025_03_26)
            detail::append_json_member(out, "annotations", annotations);
        if (spoken >= revision::v2025_11_25) detail::append_json_member(out, "icons", icons);
        if (spoken >= revision::v2025_06_18) detail::append_json_member(out, "_meta", meta);
        out += '}';
    }

    /// Reads a tool that a server lists.
    [[nodiscard]] static tool read(json::reader in) {
        auto const text_at = [&in](std::string_view name) {
            json::reader const at = in[name];
            return at.present() ? json::to_text(*at.value()) : std::string{};
        };
        (void)in["inputSchema"].members();
        tool out{std::string{in["name"].text()}, std::string{in["description"].text_or({})},
                 text_at("inputSchema")};
        out.title = in["title"].text_or({});
        out.output_schema = text_at("outputSchema");
        out.annotations = text_at("annotations");
        out.icons = text_at("icons");
        out.meta = text_at("_meta");
        return out;
    }
};

/// A resource, or with `{name}` in its address a template of resources (RFC 6570, levels 1 and 2: `{x}` matches a
/// segment, `{+x}` anything).
class resource {
public:
    resource(std::string its_uri, std::string its_name, std::string its_description = {},
             std::string its_mime_type = {})
        : uri{std::move(its_uri)}, name{std::move(its_name)},
          description{std::move(its_description)}, mime_type{std::move(its_mime_type)} {}

    std::string uri;
    std::string name;
    std::string description;
    std::string mime_type;
    std::string title;
    std::string annotations;           ///< JSON text; empty for none
    std::string meta;                  ///< JSON text of `_meta`; empty for none
    std::optional<std::uint64_t> size; ///< in bytes, where known

    [[nodiscard]] bool is_template() const noexcept { return uri.find('{') != std::string::npos; }

    void append_to(std::string& out, revision spoken) const {
        out += is_template() ? R"({"uriTemplate":)" : R"({"uri":)";
        json::append_quoted(out, uri);
        out += R"(,"name":)";
        json::append_quoted(out, name);
        if (spoken >= revision::v2025_06_18) detail::append_text_member(out, "title", title);
        detail::append_text_member(out, "description", description);
        detail::append_text_member(out, "mimeType", mime_type);
        detail::append_json_member(out, "annotations", annotations);
        if (size && !is_template()) {
            out += R"(,"size":)";
            json::append_number(out, *size);
        }
        if (spoken >= revision::v2025_06_18) detail::append_json_member(out, "_meta", meta);
        out += '}';
    }

    [[nodiscard]] static resource read(json::reader in) {
        bool const is_template = in["uriTemplate"].present();
        resource out{std::string{in[is_template ? "uriTemplate" : "uri"].text()},
                     std::string{in["name"].text()}, std::string{in["description"].text_or({})},
                     std::string{in["mimeType"].text_or({})}};
        out.title = in["title"].text_or({});
        if (in["annotations"].present())
            out.annotations = json::to_text(*in["annotations"].value());
        if (in["_meta"].present()) out.meta = json::to_text(*in["_meta"].value());
        if (in["size"].present()) out.size = static_cast<std::uint64_t>(in["size"].integer(0));
        return out;
    }
};

/// A prompt with the arguments that it takes, all texts.
class prompt {
public:
    struct argument {
        std::string name;
        std::string description;
        bool required = false;
    };

    prompt(std::string its_name, std::string its_description)
        : name{std::move(its_name)}, description{std::move(its_description)} {}

    std::string name;
    std::string description;
    std::string title;
    std::vector<argument> arguments;

    [[nodiscard]] prompt&& taking(std::string argument_name, std::string about,
                                  bool required = true) && {
        arguments.push_back(argument{std::move(argument_name), std::move(about), required});
        return std::move(*this);
    }

    void append_to(std::string& out, revision spoken) const {
        out += R"({"name":)";
        json::append_quoted(out, name);
        if (spoken >= revision::v2025_06_18) detail::append_text_member(out, "title", title);
        detail::append_text_member(out, "description", description);
        if (!arguments.empty()) {
            out += R"(,"arguments":[)";
            bool first = true;
            for (argument const& one : arguments) {
                if (!first) out += ',';
                first = false;
                out += R"({"name":)";
                json::append_quoted(out, one.name);
                detail::append_text_member(out, "description", one.description);
                if (one.required) out += R"(,"required":true)";
                out += '}';
            }
            out += ']';
        }
        out += '}';
    }

    [[nodiscard]] static prompt read(json::reader in) {
        prompt out{std::string{in["name"].text()}, std::string{in["description"].text_or({})}};
        out.title = in["title"].text_or({});
        for (json::reader const one : in["arguments"].elements_or_none())
            out.arguments.push_back(argument{std::string{one["name"].text()},
                                             std::string{one["description"].text_or({})},
                                             one["required"].boolean_or(false)});
        return out;
    }
};

/// What a client says it can do for a server. Nothing may be asked of it that is not here.
class client_capabilities {
public:
    bool sampling = false;
    bool sampling_tools = false;
    bool sampling_context = false;
    bool elicitation_form = false;
    bool elicitation_url = false;
    bool roots = false;

    /// Complains to the reader's pass where the place is present and no object.
    [[nodiscard]] static client_capabilities read(json::reader in) {
        client_capabilities out;
        json::reader const sampling = in["sampling"];
        out.sampling = sampling.present();
        out.sampling_tools = sampling["tools"].present();
        out.sampling_context = sampling["context"].present();
        json::reader const elicitation = in["elicitation"];
        out.elicitation_url = elicitation["url"].present();
        // An empty object means forms, as before 2025-11-25.
        out.elicitation_form =
            elicitation.present() && (elicitation["form"].present() || !out.elicitation_url);
        out.roots = in["roots"].present();
        return out;
    }
};

} // namespace mcp_provider::mcp
