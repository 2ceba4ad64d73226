// block list, add and remove.
#include "commands/action_command.hpp"
#include "commands/command_list.hpp"
#include "commands/duration.hpp"
#include "commands/exit_code.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <iomanip>
#include <memory>
#include <ostream>
#include <string>

namespace mcp_provider::server {

namespace {

void print_blocks(std::ostream& out, boost::json::object const& told) {
    auto const& blocks = told.at("blocks").as_array();
    if (blocks.empty()) {
        out << "nobody is blocked\n";
        return;
    }
    out << std::left << std::setw(42) << "WHO" << std::setw(30) << "UNTIL"
        << "REASON\n";
    for (auto const& one : blocks)
        out << std::setw(42) << std::string{one.at("who").as_string()} << std::setw(30)
            << std::string{one.at("until").as_string()} << std::string{one.at("reason").as_string()}
            << '\n';
}

struct block_options {
    std::string who;
    std::string length = "24h";
    bool dry_run = false;
};

} // namespace

void add_block_commands(command_tree& to) {
    CLI::App& block = to.add(to.root(), "block", "Shut callers out, and let them in again");

    auto const as_json = std::make_shared<bool>(false);
    CLI::App& list = to.add(block, "list", "List who is blocked",
                            [as_json](sources const& from, surroundings const& around) {
                                action_outcome const outcome =
                                    run_action("blocks/list", {}, false, from, around);
                                if (outcome.code != exit_done) return outcome.code;
                                if (*as_json)
                                    around.out << boost::json::serialize(outcome.told) << '\n';
                                else
                                    print_blocks(around.out, outcome.told);
                                return exit_done;
                            });
    list.add_flag("--json", *as_json, "Print JSON");

    auto const added = std::make_shared<block_options>();
    CLI::App& add = to.add(
        block, "add", "Block a caller: from the very next request it is refused with 403",
        [added](sources const& from, surroundings const& around) {
            auto const length = read_duration(added->length);
            if (!length) {
                around.err << program_name << ": --for must be a time such as 15m or 24h\n";
                return exit_usage;
            }
            action_outcome const outcome = run_action(
                "blocks/add",
                {{"who", added->who}, {"seconds", length->count()}, {"dry_run", added->dry_run}},
                false, from, around);
            if (outcome.code == exit_done)
                around.err << (added->dry_run ? "would have blocked " : "blocked ") << added->who
                           << " for " << added->length << '\n';
            return outcome.code;
        });
    add.add_option("WHO", added->who, "An address, uid:1000, or the id of a key")->required();
    add.add_option("--for", added->length, "How long")->type_name("TIME")->capture_default_str();
    add_dry_run(add, added->dry_run);

    auto const removed = std::make_shared<block_options>();
    CLI::App& remove = to.add(
        block, "remove", "End a block", [removed](sources const& from, surroundings const& around) {
            action_outcome const outcome =
                run_action("blocks/remove", {{"who", removed->who}, {"dry_run", removed->dry_run}},
                           false, from, around);
            if (outcome.code == exit_done)
                around.err << (removed->dry_run ? "would have unblocked " : "unblocked ")
                           << removed->who << '\n';
            return outcome.code;
        });
    remove.add_option("WHO", removed->who, "Whom `block list` names")->required();
    add_dry_run(remove, removed->dry_run);
}

} // namespace mcp_provider::server
