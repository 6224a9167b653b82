// shoal recipes: the experiments that ship.

#include <cstdio>
#include <memory>

#include "cli/commands/command.h"
#include "cli/lab/shipped.h"
#include "cli/output/format.h"
#include "cli/output/table.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/spec/spec.h"

namespace shoal::cli {
namespace {

struct Recipe {
  std::string name;
  bool is_sweep = false;
  v1::RunSpec spec;  // complete; of a sweep its base
};

absl::StatusOr<std::vector<Recipe>> ShippedRecipes() {
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> names, ShippedNames("recipes"));
  std::vector<Recipe> recipes;
  for (const std::string& name : names) {
    SHOAL_ASSIGN_OR_RETURN(const std::string path, FindRecipe(name));
    SHOAL_ASSIGN_OR_RETURN(const spec::SpecFile file, spec::ParseSpecFile(path));
    Recipe recipe{name, file.is_sweep, file.is_sweep ? file.sweep.base() : file.run};
    spec::FillDefaults(recipe.spec);
    recipes.push_back(std::move(recipe));
  }
  return recipes;
}

// What it learns, in a word.
std::string DataOf(const v1::DataSpec& data) {
  if (!data.persona().empty()) return StrCat("persona ", data.persona());
  if (!data.dataset().empty()) return StrCat("data set ", data.dataset());
  return data.train().empty() ? "yours: --set data.train=FILE" : data.train();
}

absl::Status ListRecipes(const Globals& globals) {
  SHOAL_ASSIGN_OR_RETURN(const std::vector<Recipe> recipes, ShippedRecipes());
  Table table({{"RECIPE"},
               {"WITH"},
               {"STEPS", Table::Align::kRight},
               {"DATA"},
               {"NOTE", Table::Align::kLeft, true}});
  std::string json = "[";
  for (const Recipe& recipe : recipes) {
    const char* command = recipe.is_sweep ? "sweep" : "launch";
    table.Add({recipe.name, command, WithCommas(recipe.spec.train().steps()),
               DataOf(recipe.spec.data()), recipe.spec.note()});
    StrAppend(json, json.size() > 1 ? "," : "", "{\"name\":", JsonReply::Quote(recipe.name),
              ",\"command\":", JsonReply::Quote(command),
              ",\"note\":", JsonReply::Quote(recipe.spec.note()), "}");
  }
  if (globals.json) {
    JsonReply().AddRaw("recipes", json + "]").Print();
  } else {
    std::printf("%s", table.Render(globals.terminal).c_str());
    if (!globals.quiet) std::printf("\n`shoal recipes NAME` prints one, with what it needs\n");
  }
  return absl::OkStatus();
}

absl::Status PrintRecipe(const Globals& globals, const std::string& name) {
  SHOAL_ASSIGN_OR_RETURN(const std::string path, FindRecipe(name));
  SHOAL_ASSIGN_OR_RETURN(const std::string text, RealFileSystem().ReadFile(path));
  if (globals.json) {
    JsonReply().AddText("name", name).AddText("path", path).AddText("text", text).Print();
  } else {
    std::printf("%s", text.c_str());
  }
  return absl::OkStatus();
}

}  // namespace

void AddRecipes(CLI::App& app, Globals& globals) {
  const auto name = std::make_shared<std::string>();
  CLI::App* command =
      AddCommand(app, globals,
                 {"recipes",
                  "List the recipes that ship, or print one",
                  {"shoal recipes", "shoal recipes tiny > mine.yaml  # the beginning of your own"}},
                 [&globals, name] {
                   return name->empty() ? ListRecipes(globals) : PrintRecipe(globals, *name);
                 });
  command->add_option("recipe", *name, "The recipe to print");
}

}  // namespace shoal::cli
