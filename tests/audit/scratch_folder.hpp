// A folder for the files of one test, removed at its end.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

class scratch_folder {
public:
    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "audit-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
        path_ = name;
    }
    scratch_folder(scratch_folder const&) = delete;
    scratch_folder& operator=(scratch_folder const&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string const& path() const { return path_; }
    [[nodiscard]] std::string operator/(std::string_view name) const {
        return path_ + "/" + std::string{name};
    }

    void write(std::string_view name, std::string_view text) const {
        std::ofstream{*this / name, std::ios::binary | std::ios::trunc} << text;
    }
    void append(std::string_view name, std::string_view text) const {
        std::ofstream{*this / name, std::ios::binary | std::ios::app} << text;
    }
    [[nodiscard]] std::string read(std::string_view name) const {
        std::ifstream file{*this / name, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    [[nodiscard]] std::vector<std::string> lines(std::string_view name) const {
        std::vector<std::string> found;
        std::ifstream file{*this / name, std::ios::binary};
        for (std::string line; std::getline(file, line);) found.push_back(line);
        return found;
    }

private:
    std::string path_;
};
