// audit verify, head and tail.
#include "commands/audit_tail.hpp"
#include "commands/command_list.hpp"
#include "commands/exit_code.hpp"
#include "config/problem.hpp"
#include "mcp_provider/audit/chain_files.hpp"
#include "mcp_provider/audit/verify.hpp"
#include "mcp_provider/crypto/base64.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <thread>
#include <utility>

namespace mcp_provider::server {

namespace {

/// An initial key that is wiped when it goes.
struct held_key {
    audit::chain_key bytes;
    explicit held_key(std::filesystem::path const& file) : bytes{audit::read_key(file.string())} {}
    held_key(held_key const&) = delete;
    held_key& operator=(held_key const&) = delete;
    ~held_key() { wipe(bytes.data(), bytes.size()); }
};

std::shared_ptr<config const> find_log(sources const& from, surroundings const& around) {
    loaded outcome = load_only(from, {"STATE_DIR", "AUDIT_LOG_FILE", "AUDIT_KEY_FILE"});
    if (!outcome.settings) print(around.err, outcome.problems, around.colour);
    return std::move(outcome.settings);
}

/// Reads `SEQ:MAC`, the form in which `audit head` prints an anchor.
std::optional<audit::anchor> read_anchor(std::string_view text) {
    audit::anchor read;
    std::size_t const colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + colon, read.seq);
    bool const sound = failure == std::errc{} && end == text.data() + colon && read.seq != 0 &&
                       crypto::hex_decode_into(read.mac, text.substr(colon + 1));
    return sound ? std::optional{read} : std::nullopt;
}

std::string write_anchor(audit::anchor const& one) {
    return std::to_string(one.seq) + ":" + crypto::hex_encode(crypto::as_text(one.mac));
}

/// The log and what rotation has made of it: `audit.jsonl`, `audit.jsonl.1`,
/// `audit.jsonl-20261123`. Compressed ones are left out: they cannot be read as they are.
std::vector<std::string> files_of_log(std::filesystem::path const& log) {
    constexpr std::string_view not_logs[] = {".head", ".gz", ".xz", ".zst", ".bz2"};
    std::string const name = log.filename().string();
    std::vector<std::string> files;
    std::error_code failure;
    for (auto const& entry : std::filesystem::directory_iterator{log.parent_path(), failure}) {
        std::string const other = entry.path().filename().string();
        bool const belongs =
            other == name || other.starts_with(name + ".") || other.starts_with(name + "-");
        bool const is_log =
            std::none_of(std::begin(not_logs), std::end(not_logs),
                         [&other](std::string_view ending) { return other.ends_with(ending); });
        if (belongs && is_log && entry.is_regular_file(failure))
            files.push_back(entry.path().string());
    }
    if (files.empty())
        files.push_back(log.string()); // that it is not there is what verification finds
    return files;
}

struct verify_options {
    std::vector<std::string> files;
    std::string anchor;
    bool as_json = false;
};

int verify_log(verify_options const& options, sources const& from, surroundings const& around) {
    auto const settings = find_log(from, around);
    if (!settings) return exit_configuration;
    std::optional<audit::anchor> expected;
    if (!options.anchor.empty()) {
        expected = read_anchor(options.anchor);
        if (!expected) {
            around.err << program_name << ": --anchor must be what `audit head` prints, SEQ:MAC\n";
            return exit_usage;
        }
    } else if (options.files.empty()) {
        // Read before the log, which a running server may lengthen meanwhile.
        if (auto const head = audit::head_file::read(settings->audit_head_file().string()))
            expected = *head;
    }
    std::vector<std::string> files =
        options.files.empty() ? files_of_log(settings->audit.file) : options.files;
    held_key const key{settings->audit.key_file};
    audit::verification const found = audit::verify(key.bytes, std::move(files), expected);
    around.out << (options.as_json ? audit::to_json(found) + "\n" : audit::describe(found));
    return found.ok() ? exit_done : exit_found;
}

int print_head(bool as_json, sources const& from, surroundings const& around) {
    auto const settings = find_log(from, around);
    if (!settings) return exit_configuration;
    held_key const key{settings->audit.key_file};
    std::optional<audit::anchor> last =
        audit::read_tail(settings->audit.file.string(), key.bytes).last;
    if (!last)
        last = audit::head_file::read(
            settings->audit_head_file().string()); // the log was just rotated
    if (!last) {
        around.err << program_name << ": there is no record in " << settings->audit.file.string()
                   << '\n';
        return exit_found;
    }
    if (as_json)
        around.out << "{\"seq\":" << last->seq << ",\"mac\":\""
                   << crypto::hex_encode(crypto::as_text(last->mac)) << "\"}\n";
    else
        around.out << write_anchor(*last) << '\n';
    return exit_done;
}

struct tail_options {
    std::size_t lines = 10;
    bool follow = false;
    bool as_json = false; ///< changes nothing: records are JSON
    std::vector<std::string> where;
};

int print_tail(tail_options const& options, sources const& from, surroundings const& around) {
    std::vector<record_filter> filters;
    for (std::string const& text : options.where) {
        auto const filter = record_filter::parse(text);
        if (!filter) {
            around.err << program_name << ": --where must be KEY=VALUE, such as status_code=403\n";
            return exit_usage;
        }
        filters.push_back(*filter);
    }
    auto const settings = find_log(from, around);
    if (!settings) return exit_configuration;
    log_reader reader{settings->audit.file, std::move(filters)};
    if (!reader.print_last(options.lines, around.out)) {
        around.err << program_name << ": " << settings->audit.file.string() << " cannot be read\n";
        return exit_found;
    }
    while (options.follow && around.out.flush()) {
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
        reader.print_new(around.out);
    }
    return exit_done;
}

/// A key that cannot be used is a matter of configuration.
template <class Work>
command_tree::action with_key(Work work) {
    return [work](sources const& from, surroundings const& around) {
        try {
            return work(from, around);
        } catch (std::exception const& failure) {
            around.err << program_name << ": " << failure.what() << '\n';
            return exit_configuration;
        }
    };
}

} // namespace

void add_audit_commands(command_tree& to) {
    CLI::App& audit_group = to.add(to.root(), "audit", "Check and read the audit log");

    auto const verify = std::make_shared<verify_options>();
    CLI::App& verify_command =
        to.add(audit_group, "verify", "Check the hash chain of the audit log; exit 1 on a finding",
               with_key([verify](sources const& from, surroundings const& around) {
                   return verify_log(*verify, from, around);
               }));
    verify_command.add_option(
        "FILE", verify->files,
        "Log files, in any order; else the configured one and its rotated ones");
    verify_command
        .add_option("--anchor", verify->anchor,
                    "A record that must be there, as `audit head` printed it")
        ->type_name("SEQ:MAC");
    verify_command.add_flag("--json", verify->as_json, "Print JSON");

    auto const head_as_json = std::make_shared<bool>(false);
    CLI::App& head_command =
        to.add(audit_group, "head", "Print the last record's number and mac, to be kept elsewhere",
               with_key([head_as_json](sources const& from, surroundings const& around) {
                   return print_head(*head_as_json, from, around);
               }));
    head_command.add_flag("--json", *head_as_json, "Print JSON");

    auto const tail = std::make_shared<tail_options>();
    CLI::App& tail_command =
        to.add(audit_group, "tail", "Print the last records, as they are: one JSON object a line",
               [tail](sources const& from, surroundings const& around) {
                   return print_tail(*tail, from, around);
               });
    tail_command.add_option("-n,--lines", tail->lines, "How many")
        ->capture_default_str()
        ->type_name("NUMBER");
    tail_command.add_flag("-f,--follow", tail->follow,
                          "Go on with new records, over rotations too");
    tail_command
        .add_option("--where", tail->where,
                    "Only records with that member; all of several must match")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->expected(1);
    tail_command.add_flag("--json", tail->as_json,
                          "Accepted as everywhere; records are JSON anyway");
}

} // namespace mcp_provider::server
