#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <ntape/ops/activation.hpp>
#include <ntape/ops/objective.hpp>
#include <set>

#include "support/cases.hpp"
#include "support/temp_dir.hpp"

namespace ops_registry_test {

using namespace ntape;

namespace {

using Names = std::set<std::string>;

std::string base_name(const std::string& name) {
  return name.substr(0, name.find('('));
}

// The names that a source text gives to what it defines: literals returned by name(), and constants `name` of
// rules. What name() returns must be either of them or kept from a constructor.
Names names_in(std::string_view text) {
  Names found;
  const auto add_literals = [&](std::string_view in) {
    for (auto open = in.find('"'); open != in.npos; open = in.find('"', open)) {
      const auto close = in.find('"', open + 1);
      found.emplace(in.substr(open + 1, close - open - 1));
      open = close + 1;
    }
  };
  for (const auto& [start, end] :
       {std::pair{"string_view name = ", ';'}, {"string_view name() const override {", '}'}})
    for (auto at = text.find(start); at != text.npos; at = text.find(start, at + 1))
      add_literals(text.substr(at, text.find(end, at) - at));
  return found;
}

Names names_in_the_room() {
  Names found;
  const char* root = std::getenv("NTAPE_SOURCE_ROOT");
  REQUIRE(root != nullptr);
  for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(root) / "lib/ntape/ops"))
    if (file.path().extension() == ".cpp" || file.path().extension() == ".hpp")
      found.merge(names_in(test::read_text(file.path())));
  return found;
}

// Names of ops, bare of parameters; of activations, as spelled; of objectives.
struct Covered {
  Names ops, spelled, objectives;
};

Covered covered() {
  Covered result;
  for (const auto& recipe : test::op_recipes()) {
    const std::string name(recipe.at(2, 3).ops.f64->name());
    result.spelled.insert(name);
    result.ops.insert(base_name(name));
  }
  for (const auto& c : test::objective_cases()) result.objectives.insert(c.name);
  return result;
}

}  // namespace

TEST_CASE("every op, activation and objective has a case") {
  const Covered have = covered();
  const Names room = names_in_the_room();
  for (const std::string& name : room) {
    CAPTURE(name);
    CHECK((have.ops.contains(name) || have.objectives.contains(name)));
  }
  for (const std::string& name : known_activations()) {
    CAPTURE(name);
    CHECK(have.ops.contains(base_name(name)));
    if (base_name(name) == name) CHECK(have.spelled.contains(name));
  }
  for (const std::string& name : known_objectives()) {
    CAPTURE(name);
    CHECK(have.objectives.contains(name));
  }
  // And the reader of sources finds what is there.
  for (const std::string& name : have.ops) {
    CAPTURE(name);
    CHECK(room.contains(name));
  }
  for (const std::string& name : have.objectives) {
    CAPTURE(name);
    CHECK(room.contains(name));
  }
}

TEST_CASE("every activation that has a rule is a known one, and builds") {
  Names known;
  for (const std::string& name : known_activations()) {
    CAPTURE(name);
    CHECK(activation_op<double>(name)->name() == name);
    known.insert(base_name(name));
  }
  const std::filesystem::path root = std::getenv("NTAPE_SOURCE_ROOT");
  const Names rules = names_in(test::read_text(root / "lib/ntape/ops/activation_rules.hpp"));
  CHECK(rules == known);
}

TEST_CASE("the reader of sources sees every form in which an op is named") {
  CHECK(names_in(R"(std::string_view name() const override { return "a"; })") == Names{"a"});
  CHECK(names_in(R"(std::string_view name() const override { return mean_ ? "a" : "b"; })") ==
        Names{"a", "b"});
  CHECK(names_in(R"(static constexpr std::string_view name = "c";)") == Names{"c"});
  CHECK(
      names_in(R"(std::string_view name() const override { return name_; } throw UserError("d");)").empty());
}

}  // namespace ops_registry_test
