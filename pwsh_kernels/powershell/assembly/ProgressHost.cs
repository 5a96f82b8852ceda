// Stands between the engine and the host of one pipeline, and passes on about ten progress records
// a second: PowerShell writes each of them twice to the wire, and flushes it, which takes it longer
// than most scripts take for the work between two (decision 0002). PwshKernels.dll is what
// `make assembly` compiles of this folder; scripts/bootstrap.ps1 loads it.

using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Diagnostics;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Reflection;
using System.Security;
using System.Threading;

namespace PwshKernels
{
    /// <summary>The newest progress record of each activity, until it is due.</summary>
    public sealed class ProgressHost : PSHostUserInterface, IHostUISupportsMultipleChoiceSelection
    {
        const int IntervalMilliseconds = 100;
        const int MaxHeld = 32;
        const BindingFlags Secret = BindingFlags.NonPublic | BindingFlags.Instance;

        readonly PSHostUserInterface host;
        readonly object informationalBuffers;
        readonly object gate = new object();
        readonly List<KeyValuePair<long, ProgressRecord>> held =
            new List<KeyValuePair<long, ProgressRecord>>();
        readonly Timer timer;
        PSDataCollection<ProgressRecord> records;
        long due;
        bool closed;

        ProgressHost(PSHostUserInterface host, object informationalBuffers)
        {
            this.host = host;
            this.informationalBuffers = informationalBuffers;
            timer = new Timer(WhenDue, null, Timeout.Infinite, Timeout.Infinite);
        }

        /// <summary>
        /// Take the place of a pipeline's host; null where the engine has not the private names that
        /// this needs, and everything stays as it was.
        /// </summary>
        public static ProgressHost Begin(PSHost host)
        {
            var outer = host.UI;
            var inner = outer.GetType().GetField("_externalUI", Secret);
            var buffers = outer.GetType().GetField("_informationalBuffers", Secret);
            var found = inner?.GetValue(outer) as PSHostUserInterface;
            var buffer = buffers?.GetValue(outer);
            if (found is not IHostUISupportsMultipleChoiceSelection || buffer == null) return null;
            if (found is ProgressHost) return null;
            var own = new ProgressHost(found, buffer);
            inner.SetValue(outer, own);
            return own;
        }

        /// <summary>Pass on what is held; what comes later goes straight to the host.</summary>
        public void Close()
        {
            lock (gate)
            {
                closed = true;
                PassOn();
            }
            timer.Dispose();
        }

        public override void WriteProgress(long sourceId, ProgressRecord record)
        {
            lock (gate)
            {
                if (closed)
                {
                    host.WriteProgress(sourceId, record);
                    return;
                }
                DropTwins();
                held.RemoveAll(one => one.Value.ActivityId == record.ActivityId);
                held.Add(new KeyValuePair<long, ProgressRecord>(sourceId, record));
                var left = due - Environment.TickCount64;
                if (left <= 0 || held.Count > MaxHeld) PassOn();
                else if (held.Count == 1) timer.Change(left, Timeout.Infinite);
            }
        }

        void PassOn()
        {
            if (held.Count == 0) return;
            foreach (var one in held) host.WriteProgress(one.Key, one.Value);
            held.Clear();
            due = Environment.TickCount64 + IntervalMilliseconds;
        }

        void WhenDue(object state)
        {
            // An exception here would end the process: the pipeline may have ended meanwhile, and
            // nobody reads its progress any more.
            try
            {
                lock (gate) PassOn();
            }
            catch (Exception error)
            {
                Trace.TraceWarning("progress was not written: " + error.Message);
            }
        }

        // The engine makes a second message of each record, from a collection of the pipeline. Its
        // first one has been written when we hear of it.
        void DropTwins()
        {
            if (records == null)
            {
                var progress = informationalBuffers.GetType().GetProperty("Progress", Secret);
                records = progress?.GetValue(informationalBuffers) as PSDataCollection<ProgressRecord>
                    ?? new PSDataCollection<ProgressRecord>();
                typeof(PSDataCollection<ProgressRecord>).GetField("DataAdded", Secret)
                    ?.SetValue(records, null);
            }
            records.Clear();
        }

        public override PSHostRawUserInterface RawUI => host.RawUI;
        public override bool SupportsVirtualTerminal => host.SupportsVirtualTerminal;
        public override string ReadLine() => host.ReadLine();
        public override SecureString ReadLineAsSecureString() => host.ReadLineAsSecureString();
        public override void Write(string value) => host.Write(value);
        public override void Write(ConsoleColor text, ConsoleColor back, string value) =>
            host.Write(text, back, value);
        public override void WriteLine() => host.WriteLine();
        public override void WriteLine(string value) => host.WriteLine(value);
        public override void WriteLine(ConsoleColor text, ConsoleColor back, string value) =>
            host.WriteLine(text, back, value);
        public override void WriteErrorLine(string value) => host.WriteErrorLine(value);
        public override void WriteDebugLine(string value) => host.WriteDebugLine(value);
        public override void WriteVerboseLine(string value) => host.WriteVerboseLine(value);
        public override void WriteWarningLine(string value) => host.WriteWarningLine(value);
        public override void WriteInformation(InformationRecord record) =>
            host.WriteInformation(record);
        public override Dictionary<string, PSObject> Prompt(
            string caption, string message, Collection<FieldDescription> fields) =>
            host.Prompt(caption, message, fields);
        public override int PromptForChoice(
            string caption, string message, Collection<ChoiceDescription> choices, int preset) =>
            host.PromptForChoice(caption, message, choices, preset);
        public Collection<int> PromptForChoice(
            string caption, string message, Collection<ChoiceDescription> choices,
            IEnumerable<int> presets) =>
            ((IHostUISupportsMultipleChoiceSelection)host).PromptForChoice(
                caption, message, choices, presets);
        public override PSCredential PromptForCredential(
            string caption, string message, string user, string target) =>
            host.PromptForCredential(caption, message, user, target);
        public override PSCredential PromptForCredential(
            string caption, string message, string user, string target,
            PSCredentialTypes allowed, PSCredentialUIOptions options) =>
            host.PromptForCredential(caption, message, user, target, allowed, options);
    }
}
