import { readFileSync } from 'node:fs';
import ts from 'typescript';

const TESTS = new Set(['it', 'test', 'describe']);

/**
 * The titles of the tests in a file: the titles given to `it`, `test` and `describe`, and the first cell
 * of each row of a table given to `each`. For a file without tests: the rows of its tables.
 */
export function titlesIn(file: string): Set<string> {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const constants = constantsOf(source);
  const titles = new Set<string>();
  let tests = 0;
  walk(source, (node) => {
    if (!ts.isCallExpression(node) || !isOfTest(node.expression)) return;
    if (ts.isPropertyAccessExpression(node.expression)) {
      for (const table of node.arguments) addRows(titles, table, constants);
      return;
    }
    tests += 1;
    addTitle(titles, node.arguments[0]);
  });
  if (tests === 0) for (const table of constants.values()) addRows(titles, table, constants);
  return titles;
}

/** The constants of a file, by name. */
function constantsOf(source: ts.SourceFile): Map<string, ts.Expression> {
  const constants = new Map<string, ts.Expression>();
  walk(source, (node) => {
    if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name)) return;
    if (node.initializer) constants.set(node.name.text, node.initializer);
  });
  return constants;
}

/** `it`, `it.each`, `it.each(...)`, `describe.skipIf(...)`, ... */
function isOfTest(called: ts.Expression): boolean {
  if (ts.isIdentifier(called)) return TESTS.has(called.text);
  if (ts.isPropertyAccessExpression(called) || ts.isCallExpression(called))
    return isOfTest(called.expression);
  return false;
}

/** A row is a title or begins with one. A row may be the name of another table. */
function addRows(
  titles: Set<string>,
  written: ts.Expression,
  constants: ReadonlyMap<string, ts.Expression>,
): void {
  const table = withoutType(written);
  if (ts.isIdentifier(table)) {
    const named = constants.get(table.text);
    const others = new Map([...constants].filter(([name]) => name !== table.text));
    if (named) addRows(titles, named, others);
  }
  // A part of a table: TABLE.slice(0, 4)
  if (ts.isCallExpression(table) && ts.isPropertyAccessExpression(table.expression))
    addRows(titles, table.expression.expression, constants);
  if (!ts.isArrayLiteralExpression(table)) return;
  for (const element of table.elements) {
    const row = withoutType(element);
    if (ts.isSpreadElement(row)) addRows(titles, row.expression, constants);
    if (!ts.isArrayLiteralExpression(row)) {
      addTitle(titles, row);
      continue;
    }
    const [first, ...others] = row.elements;
    addTitle(titles, first);
    for (const other of others) {
      if (!ts.isArrayLiteralExpression(other)) addRows(titles, other, constants);
    }
  }
}

function withoutType(node: ts.Expression): ts.Expression {
  return ts.isAsExpression(node) || ts.isSatisfiesExpression(node)
    ? withoutType(node.expression)
    : node;
}

function addTitle(titles: Set<string>, node: ts.Expression | undefined): void {
  if (node && ts.isStringLiteralLike(node)) titles.add(node.text);
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}
