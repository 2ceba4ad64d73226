#include "config/security_file.hpp"

#include "config/words.hpp"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <utility>

namespace mcp_provider::server {

namespace {

/// Leaves the parser at the first thing that makes the rest meaningless.
struct refused {
    problem why;
};

int line_of(YAML::Mark const& mark) { return mark.is_null() ? 0 : mark.line + 1; }

/// Builds the tree from the parser's events, so that nothing is expanded before it has been looked
/// at.
class tree_builder final : public YAML::EventHandler {
public:
    tree_builder(security_tree& into, std::string const& file_name)
        : into_{into}, file_name_{file_name} {}

    void OnDocumentStart(YAML::Mark const& mark) override {
        if (++documents_ > 1) refuse(mark, "a second document begins here", "one document");
    }
    void OnDocumentEnd() override {}

    void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
        look_at(mark, anchor, {});
        add({node::shape::nothing, line_of(mark), {}, {}, {}});
    }
    void OnAlias(YAML::Mark const& mark, YAML::anchor_t) override {
        refuse(mark, "an alias stands here", "the value itself; anchors and aliases are not read");
    }
    void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                  std::string const& text) override {
        look_at(mark, anchor, tag);
        if (std::string_view const unfit = unfit_text(text); !unfit.empty())
            refuse(mark, "the text " + std::string{unfit}, "UTF-8 text");
        bool const quoted = tag == "!"; // so the parser marks scalars that are not plain
        bool const null = !quoted && (text.empty() || text == "~" || text == "null" ||
                                      text == "Null" || text == "NULL");
        if (null) return add({node::shape::nothing, line_of(mark), {}, {}, {}});
        add({quoted ? node::shape::quoted : node::shape::scalar, line_of(mark), text, {}, {}});
    }
    void OnSequenceStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        begin(mark, tag, anchor, node::shape::list);
    }
    void OnSequenceEnd() override { finish(); }
    void OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        begin(mark, tag, anchor, node::shape::mapping);
    }
    void OnMapEnd() override { finish(); }
    void OnAnchor(YAML::Mark const& mark, std::string const&) override {
        refuse(mark, "an anchor stands here", "the value itself; anchors and aliases are not read");
    }

private:
    /// A collection that has begun, and in a mapping the key whose value comes next.
    struct open_collection {
        node made;
        std::string key;
        int key_line = 0;
        bool has_key = false;
    };

    [[noreturn]] void refuse(YAML::Mark const& mark, std::string message,
                             std::string allowed) const {
        throw refused{
            {file_name_, line_of(mark), {}, {}, std::move(message), std::move(allowed), {}}};
    }

    void look_at(YAML::Mark const& mark, YAML::anchor_t anchor, std::string_view tag) {
        if (anchor != YAML::NullAnchor) OnAnchor(mark, {});
        if (!tag.empty() && tag != "!" && tag != "?")
            refuse(mark, "a tag stands here", "a value without a tag");
        if (++nodes_ > max_yaml_nodes)
            refuse(mark, "the file has too many values",
                   "at most " + std::to_string(max_yaml_nodes));
    }

    void begin(YAML::Mark const& mark, std::string_view tag, YAML::anchor_t anchor,
               node::shape is) {
        look_at(mark, anchor, tag);
        if (open_.size() >= max_yaml_depth)
            refuse(mark, "lists and mappings are nested too deeply",
                   "at most " + std::to_string(max_yaml_depth) + " levels");
        if (!open_.empty() && open_.back().made.is == node::shape::mapping && !open_.back().has_key)
            refuse(mark, "a key is a list or a mapping", "keys that are words");
        open_.push_back({{is, line_of(mark), {}, {}, {}}, {}, 0, false});
    }

    void finish() {
        node made = std::move(open_.back().made);
        open_.pop_back();
        add(std::move(made));
    }

    void add(node value) {
        if (open_.empty()) {
            into_.root = std::move(value);
            return;
        }
        open_collection& within = open_.back();
        if (within.made.is == node::shape::list) {
            within.made.items.push_back(std::move(value));
        } else if (!within.has_key) {
            within.key = value.is == node::shape::nothing ? "null" : std::move(value.text);
            within.key_line = value.line;
            within.has_key = true;
        } else {
            within.has_key = false;
            add_member(within, std::move(value));
        }
    }

    void add_member(open_collection& within, node value) {
        auto& members = within.made.members;
        auto const same =
            std::find_if(members.begin(), members.end(),
                         [&within](member const& one) { return one.key == within.key; });
        if (same == members.end()) {
            members.push_back({std::move(within.key), within.key_line, std::move(value)});
            return;
        }
        into_.problems.push_back(
            {file_name_,
             within.key_line,
             path_of(within.key),
             {},
             "the key stands in line " + std::to_string(same->line) + " already",
             "each key once",
             {}});
    }

    /// The dotted path of a key in the innermost collection.
    [[nodiscard]] std::string path_of(std::string const& key) const {
        std::string path;
        for (std::size_t i = 0; i + 1 < open_.size(); ++i)
            if (open_[i].has_key) path += open_[i].key + ".";
        return path + key;
    }

    security_tree& into_;
    std::string const& file_name_;
    std::vector<open_collection> open_;
    std::size_t nodes_ = 0;
    int documents_ = 0;
};

} // namespace

security_tree read_security_file(std::string_view text, std::string const& file_name) {
    security_tree tree;
    auto const complain = [&](int line, std::string message, std::string allowed) {
        tree.root = {};
        tree.problems.push_back(
            {file_name, line, {}, {}, std::move(message), std::move(allowed), {}});
    };
    int line = 1;
    for (std::size_t at = 0; at < text.size(); ++line) {
        std::size_t const end = std::min(text.find('\n', at), text.size());
        std::string_view one = text.substr(at, end - at);
        if (one.ends_with('\r')) one.remove_suffix(1);
        if (std::string_view const unfit = unfit_text(one); !unfit.empty()) {
            complain(line, "the line " + std::string{unfit}, "UTF-8 text");
            return tree;
        }
        at = end + 1;
    }
    try {
        // yaml-cpp 0.7 takes a quoted text that never ends for one that ends with the file, but not
        // with a document.
        std::istringstream in{std::string{text} + "\n...\n"};
        YAML::Parser parser{in};
        tree_builder builder{tree, file_name};
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (refused const& stop) {
        tree.root = {};
        tree.problems.push_back(stop.why);
    } catch (YAML::Exception const& failure) {
        complain(std::min(line_of(failure.mark), line - 1), "the file is not YAML: " + failure.msg,
                 "YAML 1.2, one document");
    }
    return tree;
}

} // namespace mcp_provider::server
