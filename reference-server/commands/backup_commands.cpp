// backup, backup verify, and restore.
#include "backup/backup.hpp"
#include "commands/command_list.hpp"
#include "commands/exit_code.hpp"
#include "config/problem.hpp"
#include "incident/control_file.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

namespace mcp_provider::server {

namespace {

std::shared_ptr<config const> find_installation(sources const& from, surroundings const& around) {
    loaded outcome = load_only(
        from, {"STATE_DIR", "AUDIT_LOG_FILE", "AUDIT_KEY_FILE", "security.audit.enabled"});
    if (!outcome.settings) print(around.err, outcome.problems, around.colour);
    return std::move(outcome.settings);
}

template <class Work>
int attempt(surroundings const& around, Work work) {
    try {
        return work();
    } catch (std::exception const& failure) {
        around.err << program_name << ": " << failure.what() << '\n';
        return exit_found;
    }
}

struct backup_options {
    std::string folder;
    std::size_t keep = 30;
};

int make_backup(backup_options const& options, sources const& from, surroundings const& around) {
    if (options.folder.empty()) {
        around.err << program_name << ": backup takes a folder, or `backup verify FILE`\n";
        return exit_usage;
    }
    auto const settings = find_installation(from, around);
    if (!settings) return exit_configuration;
    return attempt(around, [&] {
        std::filesystem::path const made =
            backup::make(*settings, from, options.folder, around.now());
        // A backup that cannot be restored is none.
        std::size_t const files = backup::verify(made).size();
        std::size_t const removed = backup::thin_out(options.folder, options.keep);
        around.out << made.string() << std::endl;
        around.err << "backed up " << files << " files, secrets among them: keep the archive as "
                   << "safe as STATE_DIR; removed " << removed << " older archives\n";
        return exit_done;
    });
}

int verify_backup(std::string const& file, bool as_json, surroundings const& around) {
    return attempt(around, [&] {
        boost::json::array names;
        for (std::string const& name : backup::verify(file)) names.emplace_back(name);
        if (as_json)
            around.out << boost::json::serialize(
                              boost::json::object{{"ok", true}, {"files", names}})
                       << '\n';
        else
            around.out << "whole: " << names.size() << " files\n";
        return exit_done;
    });
}

int restore_backup(std::string const& file, sources const& from, surroundings const& around) {
    auto const settings = find_installation(from, around);
    if (!settings) return exit_configuration;
    return attempt(around, [&] {
        std::filesystem::create_directories(settings->state_directory);
        std::filesystem::permissions(settings->state_directory, std::filesystem::perms::owner_all);
        for (run_mode const mode : {run_mode::serve, run_mode::bridge})
            if (!state_hold{settings->state_directory, mode}.is_held()) {
                around.err << program_name << ": a server runs with "
                           << settings->state_directory.string() << "; stop it first\n";
                return exit_found;
            }
        backup::restored const done = backup::restore(*settings, file, around.now());
        around.err << "restored " << done.files.size() << " files into "
                   << settings->state_directory.string() << '\n';
        if (!done.before.empty())
            around.err << "what was there is in " << done.before.string() << '\n';
        if (!done.configuration.empty())
            around.err << "the configuration files of the backup are in "
                       << done.configuration.string() << "; compare them with yours\n";
        return exit_done;
    });
}

} // namespace

void add_backup_commands(command_tree& to) {
    auto const chosen = std::make_shared<backup_options>();
    auto const file = std::make_shared<std::string>();
    auto const as_json = std::make_shared<bool>(false);
    CLI::App& make =
        to.add(to.root(), "backup",
               "Copy keys, tokens, sessions, blocks and the audit log into one archive",
               [=](sources const& from, surroundings const& around) {
                   // Also called where the words went on to the command below.
                   return file->empty() ? make_backup(*chosen, from, around)
                                        : verify_backup(*file, *as_json, around);
               });
    make.add_option("DIR", chosen->folder, "The folder that the archive goes into");
    make.add_option("--keep", chosen->keep, "How many archives stay there")
        ->type_name("NUMBER")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();

    CLI::App& verify = to.add(make, "verify", "Check that an archive is whole; exit 1 where not",
                              [file, as_json](sources const&, surroundings const& around) {
                                  return verify_backup(*file, *as_json, around);
                              });
    verify.add_option("FILE", *file, "The archive")->required();
    verify.add_flag("--json", *as_json, "Print JSON");

    auto const from_file = std::make_shared<std::string>();
    CLI::App& restore = to.add(to.root(), "restore", "Put an archive back, while no server runs",
                               [from_file](sources const& from, surroundings const& around) {
                                   return restore_backup(*from_file, from, around);
                               });
    restore.add_option("FILE", *from_file, "The archive")->required();
}

} // namespace mcp_provider::server
