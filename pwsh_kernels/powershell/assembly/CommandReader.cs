// Reads how a session resolves commands just now, and what bends them. C# and not a script: a function, an
// alias, a lookup hook or a member that Update-TypeData adds can change what a script finds, but not what
// compiled code does. Part of PwshKernels.dll, as ProgressHost.cs is.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using System.Security;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PwshKernels
{
    /// <summary>The state of a session that decides what a text does there.</summary>
    public static class CommandReader
    {
        const int MostSteps = 16;
        const int MostEntries = 100;
        const int MostChars = 200;
        const int MostValues = 10000;
        const int Deepest = 4;

        static readonly string[] preferences =
        {
            "ConfirmPreference", "ErrorActionPreference", "PSModuleAutoLoadingPreference",
            "PSNativeCommandUseErrorActionPreference", "WhatIfPreference",
        };

        static readonly string[] unsaid = { "pass", "secret", "token", "key", "cred" };

        /// <summary>The state as JSON; `asked`: {"names": [], "variables": []}.</summary>
        public static string Read(EngineIntrinsics engine, string asked)
        {
            using var question = JsonDocument.Parse(asked);
            var invoke = engine.InvokeCommand;
            var runspace = Runspace.DefaultRunspace;
            var hooks = Hooks(invoke);
            var state = new SortedDictionary<string, object>(StringComparer.Ordinal)
            {
                ["commands"] = Texts(question, "names").Select(one => Command(invoke, one)).ToList(),
                ["variables"] = Texts(question, "variables").Select(one => Named(engine, one)).ToList(),
                ["defaults"] = Defaults(engine),
                ["preferences"] = preferences.Select(one => Named(engine, one)).ToList(),
                ["hooks"] = hooks,
                ["subscribers"] = engine.Events.Subscribers.Take(MostEntries).Select(Subscriber).ToList(),
                ["breakpoints"] = runspace.Debugger == null ? 0 : runspace.Debugger.GetBreakpoints().Count,
                ["types"] = Extended(runspace),
                ["location"] = engine.SessionState.Path.CurrentLocation.Path,
                ["module_path"] = Environment.GetEnvironmentVariable("PSModulePath") ?? "",
            };
            return JsonSerializer.Serialize(state);
        }

        // Those that an installed module brings come with its commands.
        static int Extended(Runspace runspace)
        {
            var folders = (Environment.GetEnvironmentVariable("PSModulePath") ?? "").Split(
                Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
            return runspace.InitialSessionState == null ? 0 : runspace.InitialSessionState.Types.Count(
                one => string.IsNullOrEmpty(one.FileName) ||
                    !folders.Any(folder => one.FileName.StartsWith(folder, StringComparison.Ordinal)));
        }

        static IEnumerable<string> Texts(JsonDocument question, string name) =>
            question.RootElement.GetProperty(name).EnumerateArray().Select(one => one.GetString())
                .Take(MostEntries).ToList();

        static List<string> Hooks(CommandInvocationIntrinsics invoke)
        {
            var found = new List<string>();
            if (invoke.PreCommandLookupAction != null) found.Add("PreCommandLookupAction");
            if (invoke.PostCommandLookupAction != null) found.Add("PostCommandLookupAction");
            if (invoke.CommandNotFoundAction != null) found.Add("CommandNotFoundAction");
            return found;
        }

        static CommandInfo Find(CommandInvocationIntrinsics invoke, string name)
        {
            // The first of all is what the engine takes; unlike GetCommand, this asks no hook and
            // imports no module.
            foreach (var one in invoke.GetCommands(name, CommandTypes.All, false)) return one;
            var cut = name.LastIndexOf('\\');
            return cut < 1 ? null : invoke.GetCommands(name.Substring(cut + 1), CommandTypes.All, false)
                .FirstOrDefault(one => name.Substring(0, cut).Equals(
                    one.ModuleName, StringComparison.OrdinalIgnoreCase));
        }

        static SortedDictionary<string, object> Command(CommandInvocationIntrinsics invoke, string name)
        {
            var via = new List<string>();
            var found = Find(invoke, name);
            var resolved = found?.Name ?? "";
            for (var step = 0; found is AliasInfo alias && step < MostSteps; step++)
            {
                via.Add(alias.Name);
                resolved = alias.Definition;
                found = Find(invoke, resolved);
            }
            var script = ScriptOf(found);
            // A function that replaces a module's keeps its module: only the text knows better.
            var replaced = found is FunctionInfo function && function.ScriptBlock.Module == null;
            var module = replaced ? null : found?.Module;
            return new SortedDictionary<string, object>(StringComparer.Ordinal)
            {
                ["name"] = name,
                ["kind"] = found == null ? "missing" : found.CommandType.ToString().ToLowerInvariant(),
                ["resolved"] = resolved,
                ["via"] = via,
                ["module"] = replaced ? "" : found?.ModuleName ?? "",
                ["module_version"] = module?.Version?.ToString() ?? "",
                // A module that New-Module makes has a path where nothing is.
                ["module_path"] = module != null && File.Exists(module.Path) ? module.Path : "",
                ["source"] = Source(found),
                ["definition"] = script == null ? "" : Hash(script),
                ["should_process"] = DeclaresShouldProcess(found),
                ["what_if"] = HasSwitch(found, "WhatIf"),
            };
        }

        static string ScriptOf(CommandInfo found) => found switch
        {
            FunctionInfo function => function.ScriptBlock.Ast.Extent.Text,
            ExternalScriptInfo script => script.ScriptContents,
            _ => null,
        };

        static string Source(CommandInfo found) => found switch
        {
            CmdletInfo cmdlet => cmdlet.ImplementingType?.AssemblyQualifiedName ?? "",
            FunctionInfo function => function.ScriptBlock.File ?? "",
            ExternalScriptInfo script => script.Path,
            ApplicationInfo program => program.Path,
            _ => "",
        };

        static bool DeclaresShouldProcess(CommandInfo found)
        {
            if (found is CmdletInfo cmdlet)
            {
                var told = (CmdletAttribute)Attribute.GetCustomAttribute(
                    cmdlet.ImplementingType, typeof(CmdletAttribute));
                return told != null && told.SupportsShouldProcess;
            }
            // From the text: to ask for the attributes would make them, which is code of their own.
            var block = ParametersOf(found);
            return block != null && block.Attributes.Any(one =>
                one.TypeName.GetReflectionAttributeType() == typeof(CmdletBindingAttribute) &&
                one.NamedArguments.Any(SupportsShouldProcess));
        }

        static bool SupportsShouldProcess(NamedAttributeArgumentAst one) =>
            one.ArgumentName.Equals("SupportsShouldProcess", StringComparison.OrdinalIgnoreCase) &&
            (one.ExpressionOmitted || one.Argument is VariableExpressionAst given &&
                given.VariablePath.UserPath.Equals("true", StringComparison.OrdinalIgnoreCase));

        static ParamBlockAst ParametersOf(CommandInfo found)
        {
            if (found is not FunctionInfo function) return null;
            return function.ScriptBlock.Ast switch
            {
                FunctionDefinitionAst definition => definition.Body.ParamBlock,
                ScriptBlockAst script => script.ParamBlock,
                _ => null,
            };
        }

        // A parameter that the command declares itself, as the proxies of implicit remoting do.
        static bool HasSwitch(CommandInfo found, string name)
        {
            var block = ParametersOf(found);
            return block != null && block.Parameters.Any(one =>
                one.Name.VariablePath.UserPath.Equals(name, StringComparison.OrdinalIgnoreCase) &&
                one.StaticType == typeof(SwitchParameter));
        }

        static List<object> Defaults(EngineIntrinsics engine)
        {
            var value = Bare(engine.SessionState.PSVariable.Get("PSDefaultParameterValues")?.Value);
            if (value is not IDictionary table) return new List<object>();
            var said = new List<SortedDictionary<string, object>>();
            foreach (DictionaryEntry one in table)
            {
                if (said.Count == MostEntries) break;
                said.Add(Said(one.Key as string ?? "", one.Value));
            }
            return said.OrderBy(one => (string)one["name"], StringComparer.Ordinal).ToList<object>();
        }

        static object Named(EngineIntrinsics engine, string name) =>
            Said(name, name.StartsWith("env:", StringComparison.OrdinalIgnoreCase)
                ? Environment.GetEnvironmentVariable(name.Substring(4))
                : engine.SessionState.PSVariable.Get(name)?.Value);

        static object Subscriber(PSEventSubscriber one) => new SortedDictionary<string, object>(StringComparer.Ordinal)
        {
            ["name"] = Short(one.SourceIdentifier ?? ""),
            ["definition"] = one.Action == null ? "" : Hash(one.Action.Command ?? ""),
        };

        // What a value is, short; its hash tells whether it has changed.
        static SortedDictionary<string, object> Said(string name, object value)
        {
            var text = new StringBuilder();
            var left = MostValues;
            Write(text, value, 0, ref left);
            var secret = unsaid.Any(one => name.Contains(one, StringComparison.OrdinalIgnoreCase));
            return new SortedDictionary<string, object>(StringComparer.Ordinal)
            {
                ["name"] = Short(name),
                ["value"] = secret ? "" : Short(text.ToString()),
                ["type"] = Bare(value)?.GetType().FullName ?? "",
                ["hash"] = Hash(text.ToString()),
            };
        }

        static object Bare(object value) =>
            value is PSObject wrapped && wrapped.BaseObject is not PSCustomObject ? wrapped.BaseObject : value;

        // Nothing here calls code of a script, as an object's own ToString would.
        static void Write(StringBuilder text, object value, int depth, ref int left)
        {
            value = Bare(value);
            if (left-- <= 0 || depth > Deepest)
            {
                text.Append('…');
                return;
            }
            switch (value)
            {
                case null: text.Append("$null"); break;
                case string said: text.Append('\'').Append(said).Append('\''); break;
                case SwitchParameter given: text.Append(given.IsPresent); break;
                case ScriptBlock block: text.Append('{').Append(block.Ast.Extent.Text).Append('}'); break;
                case DateTime moment: text.Append(moment.ToString("o", CultureInfo.InvariantCulture)); break;
                case SecureString or PSCredential: Identity(text, value); break;
                case PSObject custom: WriteProperties(text, custom, depth, ref left); break;
                case IDictionary table:
                    text.Append("@{");
                    foreach (DictionaryEntry one in table)
                    {
                        Write(text, one.Key, depth + 1, ref left);
                        text.Append('=');
                        Write(text, one.Value, depth + 1, ref left);
                        text.Append(';');
                        if (left <= 0) break;
                    }
                    text.Append('}');
                    break;
                case Array list:
                    text.Append("@(");
                    foreach (var one in list)
                    {
                        Write(text, one, depth + 1, ref left);
                        text.Append(',');
                        if (left <= 0) break;
                    }
                    text.Append(')');
                    break;
                case IFormattable plain when IsPlain(value.GetType()):
                    text.Append(plain.ToString(null, CultureInfo.InvariantCulture));
                    break;
                case bool truth: text.Append(truth); break;
                default: Identity(text, value); break;
            }
        }

        static void WriteProperties(StringBuilder text, PSObject custom, int depth, ref int left)
        {
            text.Append("[pscustomobject]@{");
            foreach (var one in custom.Properties)
            {
                if (one is not PSNoteProperty note || left <= 0) continue;
                text.Append(note.Name).Append('=');
                Write(text, note.Value, depth + 1, ref left);
                text.Append(';');
            }
            text.Append('}');
        }

        static bool IsPlain(Type type) =>
            type.IsPrimitive || type.IsEnum || type == typeof(decimal) || type == typeof(Guid) || type == typeof(TimeSpan);

        // Another object of the same type is another value; what is in it stays unseen.
        static void Identity(StringBuilder text, object value) =>
            text.Append('[').Append(value.GetType().FullName).Append(" #")
                .Append(RuntimeHelpers.GetHashCode(value)).Append(']');

        static string Short(string text) => text.Length <= MostChars ? text : text.Substring(0, MostChars) + "…";

        static string Hash(string text) =>
            Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text))).ToLowerInvariant();
    }
}
